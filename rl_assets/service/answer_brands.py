"""Whose answer an id names: a key of a brand speaks of that brand's answers alone."""

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

import pyarrow.compute as pc

from rl_assets.lake.delta import Lake
from rl_assets.service.errors import ServiceError
from rl_assets.service.store import Store
from rl_assets.tables.records import INTERACTIONS

MAX_REMEMBERED = 10_000


@dataclass
class AnswerBrands:
    """Brands (segments) of answers that the service or the lake holds. Threads may share it."""

    store: Store
    lake: Lake
    _known: OrderedDict[str, str | None] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def require(self, interaction_id: str, brand: str | None) -> None:
        """Raise 404 if the answer is not of the brand; None is every brand.

        An answer that nobody knows yet passes: it may land later, and only who was given it has its id.
        """
        if brand is not None and any(found != brand for found in self._brands(interaction_id)):
            raise ServiceError(404, f"there is no answer {interaction_id!r} of {brand} here", "interaction_id")

    def _brands(self, interaction_id: str) -> list[str | None]:
        """The brand of the answer, which may be None; nothing if the answer is unknown. It never changes."""
        with self._lock:
            if interaction_id not in self._known:
                found = self._logged(interaction_id) or self._landed(interaction_id)
                if not found:
                    return []
                self._known[interaction_id] = found[0]
                while len(self._known) > MAX_REMEMBERED:
                    self._known.popitem(last=False)
            return [self._known[interaction_id]]

    def _logged(self, interaction_id: str) -> list[str | None]:
        """As a product logged it through the service."""
        return [json.loads(answer.line).get("segment") for answer in self.store.answers_of([interaction_id])]

    def _landed(self, interaction_id: str) -> list[str | None]:
        """As it landed."""
        days = self.lake.days(INTERACTIONS)
        rows = self.lake.read(INTERACTIONS, days).to_table(["segment"], pc.field("interaction_id") == interaction_id)
        found: list[str | None] = rows["segment"].to_pylist()
        return found[:1]
