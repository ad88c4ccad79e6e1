"""`serving/routing.json`: the arms that can answer, and the probabilities with which the gateway draws them.

One file, replaced atomically and counted up: readers see the old version or the next one, never a mixture.
"""

from collections.abc import Mapping
from functools import cached_property
from math import isclose
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from rl_assets.core.files import sha256_json, write_json
from rl_assets.core.home import Home
from rl_assets.core.validation import Record, problems
from rl_assets.routing.choices import shares_at
from rl_assets.routing.config import ANY
from rl_assets.serving.names import PRODUCT

TOLERANCE = 1e-9

Role = Literal["base", "champion", "canary", "previous", "external"]
Shares = dict[str, float]


class Arm(Record):
    """One way to get an answer: an agent, and the model that answers for it at an endpoint.

    `model` is the name that the endpoint knows, `adapter` the content name of a served adapter. `fallback` are the arms
    that are asked, in their order, when this one does not answer. `token_env` names the environment variable with the
    endpoint's key: keys themselves are in no file.
    """

    agent: str
    endpoint: str
    urls: list[str] = Field(min_length=1)
    model: str
    adapter: str | None = None
    role: Role
    fallback: list[str] = Field(default_factory=list)
    token_env: str | None = None


class Routing(Record):
    """Arms by name, and shares by segment and category; `*` is every other category.

    `salt` makes the draws of a deployment its own. A segment that is not listed is drawn as the product.
    """

    version: int = Field(ge=1)
    salt: str = Field(min_length=8)
    written_at: str
    arms: dict[str, Arm] = Field(min_length=1)
    shares: dict[str, dict[str, Shares]]

    @cached_property
    def policy_version(self) -> str:
        """12 hex digits: the same arms, shares and salt draw the same arm for a conversation."""
        drawn = {"salt": self.salt, "shares": self.shares, "arms": sorted(self.arms)}
        return sha256_json(drawn)[:12]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> "Routing":
        """As of pydantic; the copy is another policy."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("policy_version", None)
        return copied

    @model_validator(mode="after")
    def _consistent(self) -> "Routing":
        if ANY not in self.shares.get(PRODUCT, {}):
            raise ValueError(f"shares.{PRODUCT}.{ANY} is missing: it is what is drawn where nothing else applies")
        for segment, categories in self.shares.items():
            for category, shares in categories.items():
                _check_shares(f"shares.{segment}.{category}", shares, self.arms)
        unknown = {name for arm in self.arms.values() for name in arm.fallback} - set(self.arms)
        if unknown:
            raise ValueError(f"fallback to {', '.join(sorted(unknown))}, which is no arm")
        return self

    def shares_of(self, segment: str | None, category: str | None) -> Shares:
        """What is drawn from for a segment and a category."""
        return shares_at(self.shares, segment, category)


def _check_shares(where: str, shares: Shares, arms: Mapping[str, Arm]) -> None:
    if unknown := set(shares) - set(arms):
        raise ValueError(f"{where} names {', '.join(sorted(unknown))}, which is no arm")
    if any(not 0 <= share <= 1 for share in shares.values()) or not isclose(sum(shares.values()), 1, abs_tol=TOLERANCE):
        raise ValueError(f"{where} must be probabilities that sum to 1, not {shares}")


def read_routing(home: Home) -> Routing | None:
    """The routing in force, or None before anything is served. Raises ValueError for a file that is none."""
    if not home.routing.is_file():
        return None
    try:
        return Routing.model_validate_json(home.routing.read_bytes())
    except ValidationError as error:
        raise ValueError(
            f"{home.routing} is no routing file: {problems(error)}. Materialize served_champion to write it again."
        ) from error


def write_routing(home: Home, routing: Routing) -> None:
    """Replace the file atomically."""
    write_json(home.routing, routing.model_dump(mode="json"))
