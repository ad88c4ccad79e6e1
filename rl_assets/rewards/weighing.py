"""One reward from several dimensions: a weighed sum, capped by the floors of `rewards.yaml`.

    accuracy: {weight: 0.5}
    brand: {weight: 0.3}
    compliance: {weight: 0.2, floor: 0.5}   # below it, the reward is at most the value of compliance
    missing: error                          # or renormalise: the other weights share that of a missing dimension

reward = sum of w_d v_d; then for every d with a floor and v_d below it: reward = min(reward, v_d). So a perfect answer
that breaks the rules (1, 1, 0) gets 0, not 0.8.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from rl_assets.core.files import sha256_json
from rl_assets.core.validation import Record, problems

TOLERANCE = 1e-6
MISSING = "missing"


class Weight(Record):
    """How much a dimension counts, and the value below which it caps the reward."""

    weight: float = Field(ge=0, le=1, allow_inf_nan=False)
    floor: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)


class Weighing(Record):
    """Weights by dimension, which sum to 1, and what becomes of an answer without a value in one of them."""

    dimensions: dict[str, Weight]
    missing: Literal["error", "renormalise"] = "error"

    @property
    def floored(self) -> tuple[str, ...]:
        """The dimensions with a floor."""
        return tuple(name for name, weight in self.dimensions.items() if weight.floor is not None)

    @property
    def version(self) -> str:
        """Hash of the weights and rules."""
        return sha256_json(self.model_dump(mode="json"))[:20]


@dataclass(frozen=True)
class Weighed:
    """The reward, the values that it was made of, the version of the weights, and dimensions that were left out."""

    reward: float
    values: dict[str, float]
    version: str
    without: tuple[str, ...] = ()


class MissingDimensionError(ValueError):
    """An answer has no value in a dimension that counts."""


DEFAULT = Weighing(
    dimensions={"accuracy": Weight(weight=0.5), "brand": Weight(weight=0.3), "compliance": Weight(weight=0.2)}
)


def read_weighing(path: Path) -> Weighing:
    """The weights in `rewards.yaml`; accuracy 0.5, brand 0.3 and compliance 0.2 if there is no file.

    ValueError names the file and what is wrong: unknown keys, values out of range, weights that do not sum to 1.
    """
    if not path.is_file():
        return DEFAULT
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error
    try:
        return parse_weighing(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def parse_weighing(content: Any) -> Weighing:
    """The weights of a mapping from dimension to {weight, floor}, besides the key `missing`; ValueError as above."""
    if not isinstance(content, dict) or not content.keys() - {MISSING}:
        raise ValueError("expected a mapping from each dimension to its weight, as `accuracy: {weight: 0.5}`")
    weights = {str(name): value for name, value in content.items() if name != MISSING}
    given = {MISSING: content[MISSING]} if MISSING in content else {}
    try:
        weighing = Weighing.model_validate({"dimensions": weights} | given)
    except ValidationError as error:
        raise ValueError(problems(error, schema=Weighing)) from None
    total = math.fsum(weight.weight for weight in weighing.dimensions.values())
    if abs(total - 1) > TOLERANCE:
        listed = " + ".join(f"{weight.weight:g}" for weight in weighing.dimensions.values())
        raise ValueError(f"the weights {listed} sum to {total:g}: they must sum to 1")
    return weighing


def require_known(weighing: Weighing, known: Iterable[str]) -> None:
    """ValueError if the weights name a dimension that has no values."""
    names = sorted(known)
    unknown = [name for name in weighing.dimensions if name not in names]
    if unknown:
        raise ValueError(
            f"rewards.yaml weighs {', '.join(unknown)}, which nothing gives a value of: there "
            f"{'is' if len(names) == 1 else 'are'} {', '.join(names) or 'no dimension'}. Weigh these, or materialize "
            "dimension_rewards on ratings of the others"
        )


def weigh(values: Mapping[str, float | None], weighing: Weighing) -> Weighed:
    """The reward of one answer from its values in [0, 1] by dimension.

    A dimension without a value raises MissingDimensionError, unless `missing: renormalise` lets the others share its
    weight; one with a floor is never left out like that. ValueError for values that are not finite or outside [0, 1].
    """
    known = {name: value for name in weighing.dimensions if (value := values.get(name)) is not None}
    for name, value in known.items():
        if not (math.isfinite(value) and 0 <= value <= 1):
            raise ValueError(f"{name} is {value}: a value lies in [0, 1]")
    without = tuple(name for name in weighing.dimensions if name not in known)
    total = math.fsum(weighing.dimensions[name].weight for name in known)
    needed = without if weighing.missing == "error" else [name for name in without if name in weighing.floored]
    if needed or total <= 0:
        raise MissingDimensionError(
            f"the answer has no value in {', '.join(needed or without)}: a missing value is not 0. Give it one, or set "
            "`missing: renormalise` in rewards.yaml, which leaves out dimensions without a floor"
        )
    reward = math.fsum(weighing.dimensions[name].weight * value for name, value in known.items()) / total
    caps = [value for name, value in known.items() if _is_below_floor(weighing.dimensions[name], value)]
    return Weighed(min([reward, *caps]), known, weighing.version, without)


def _is_below_floor(weight: Weight, value: float) -> bool:
    return weight.floor is not None and value < weight.floor
