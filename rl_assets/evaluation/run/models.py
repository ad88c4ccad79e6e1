"""Who is evaluated on a day: the base, the candidate, its parent, the champion, and the day's other adapters."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rl_assets.core.home import Home
from rl_assets.evaluation.promotion.champion import champion_adapter, read_champion
from rl_assets.evaluation.schema.roles import Role
from rl_assets.models.adapters import Adapter, newest_adapter
from rl_assets.models.base_models import BaseModel

# Adapters that answer; a reward model scores.
KINDS = ("sft", "dpo", "kto", "grpo")


@dataclass(frozen=True)
class Subjects:
    """The models of an evaluation. Only adapters of `base` are asked: nothing else is comparable as an adapter.

    `others` are the day's adapters that play no role; they answer the same questions, for the A/B report.
    """

    base: BaseModel
    candidate: Adapter
    parent: Adapter | None = None
    champion: Adapter | None = None
    others: tuple[Adapter, ...] = ()

    @property
    def comparable(self) -> Adapter | None:
        """The champion, where it belongs to this base."""
        return self.champion if self.champion and self.champion.base_sha256 == self.base.sha256 else None

    @property
    def against(self) -> Role:
        """Whom the candidate would replace: the champion, or the base while there is none."""
        return "champion" if self.comparable else "base"

    def roles(self) -> dict[Role, Adapter | None]:
        """Every role that is played, the base first; the base has no adapter."""
        found: dict[Role, Adapter | None] = {"base": None, "candidate": self.candidate}
        found |= {"parent": self.parent} if self.parent else {}
        return found | ({"champion": self.comparable} if self.comparable else {})

    def asked(self) -> dict[str, Adapter | None]:
        """Every distinct model by its weights' hash, the base first; of adapters with the same weights the first."""
        models: dict[str, Adapter | None] = {}
        for adapter in (*self.roles().values(), *(found for found in self.others if self._comparable(found))):
            models.setdefault(self.weights(adapter), adapter)
        return models

    def _comparable(self, adapter: Adapter) -> bool:
        return adapter.base_sha256 == self.base.sha256

    def weights(self, adapter: Adapter | None) -> str:
        """What tells models apart: the adapter's weights, or the base's own."""
        return adapter.sha256 if adapter else self.base.sha256

    def plays_a_role(self, adapter: Adapter | None) -> bool:
        """Whether it is one of the compared models, and not only there beside them."""
        return self.weights(adapter) in {self.weights(own) for own in self.roles().values()}

    def label(self, adapter: Adapter | None) -> str:
        """The model's name in a table: "dpo 1f3a7c20", or the base's."""
        return f"{adapter.kind} {adapter.inputs_hash[:8]}" if adapter else self.base.name

    def not_asked(self) -> list[str]:
        """Adapters of other base models, a sentence each."""
        named = [("The champion", self.champion), *((f"The {found.kind} adapter", found) for found in self.others)]
        return [
            f"{who} {adapter.inputs_hash[:8]} belongs to another base model and was not evaluated."
            for who, adapter in named
            if adapter and not self._comparable(adapter)
        ]


def subjects_of(home: Home, day: str, base: BaseModel, kind: str, segment: str | None = None) -> Subjects:
    """The day's models, the adapter of `kind` being the candidate. Raises FileNotFoundError where there is none.

    The adapters are those of `segment` where it is named; the champion is always that of the product.
    """
    built = list(_built(home.adapters(segment), day))
    candidate = next((adapter for adapter in built if adapter.kind == kind), None)
    if candidate is None:
        asset = f"{segment}_{kind}_adapter" if segment else f"{kind}_adapter"
        raise FileNotFoundError(f"{day} has no {kind} adapter to evaluate; materialize {asset} first")
    champion = read_champion(home)
    parent = candidate.manifest.parent.sha256 if candidate.manifest.parent else None
    return Subjects(
        base,
        candidate,
        next((adapter for adapter in built if adapter.sha256 == parent), None),
        champion_adapter(home, champion) if champion else None,
        tuple(adapter for adapter in built if adapter.sha256 not in (candidate.sha256, parent)),
    )


def _built(adapters: Path, day: str) -> Iterator[Adapter]:
    for kind in KINDS:
        adapter = newest_adapter(adapters, kind, day)
        if adapter:
            yield adapter
