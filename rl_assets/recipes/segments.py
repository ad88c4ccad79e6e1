"""Segments of the product that get adapters of their own: declared in one file, named by the setting `segments`."""

import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from rl_assets.core.validation import problems
from rl_assets.recipes.recipe import DeclaredMetric, Recipe, adjusted, named_recipe
from rl_assets.recipes.stages import Frozen

# Fields of a segment that say which rows belong to it.
FILTERS = ("segment", "agent", "category", "task", "source")
Stage = Literal["sft", "dpo", "kto", "grpo", "ppo"]
NAME = r"^[a-z][a-z0-9_]*$"
# Folders of `adapters/` that hold other things, prefixes of other reports', adapters' and decisions' names, and the
# name of the product's own files.
RESERVED = frozenset(
    {
        *("sft", "dpo", "kto", "grpo", "ppo", "reward", "second_reward_model", "documentation", "vision"),
        *("eval", "ab", "adapter_ab", "multimodal", "promotion", "decision", "product"),
    }
)


class Segment(Frozen):
    """Which rows belong to a segment, and what is trained on them.

    `agent` lists who may have given a row's answers; corrections count as those of `human` or `teacher`. An omitted
    filter keeps every row, and the recipe's own filters do not count. `stages` are trained in their order, each
    continuing the first; the last one's adapter is decided on.
    """

    segment: str | None = None
    agent: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    task: tuple[str, ...] = Field((), description="Kinds of task: the function of a gateway, `task_type` of a table.")
    source: tuple[str, ...] = Field((), description="Log formats that the rows landed in, such as `tensorzero`.")
    recipe: str | None = Field(None, description="Preset or recipe file; the deployment's if omitted.")
    stages: tuple[Stage, ...] = Field(("sft", "dpo"), min_length=1)
    primary: DeclaredMetric | None = Field(None, description="Metric that decides on it; the recipe's if omitted.")
    primary_reason: str | None = Field(None, description="Why it differs from the metric that has decided so far.")

    @field_validator("agent", "category", "task", "source", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _possible(self) -> "Segment":
        if not any(getattr(self, name) for name in FILTERS):
            raise ValueError("filters nothing: give a segment, agent, category, task or source")
        if self.stages[0] != "sft" or len(set(self.stages)) < len(self.stages):
            raise ValueError(f"stages {list(self.stages)} must start with sft, each at most once")
        return self

    def apply_to(self, recipe: Recipe) -> Recipe:
        """The recipe, restricted to the rows of this segment."""
        rows = {"segment": self.segment, "agents": self.agent, "categories": self.category}
        rows |= {"tasks": self.task, "sources": self.source}
        return adjusted(recipe, rows | {"grpo": {"parent": "sft"}, "ppo": {"parent": "sft"}})


def read_segments(path: Path | None) -> dict[str, Segment]:
    """The segments of a YAML file by name, in its order; none without a file.

    FileNotFoundError if it is missing; ValueError names the file and everything that is unknown or invalid in it.
    """
    if path is None:
        return {}
    if not path.is_file():
        raise FileNotFoundError(f"The setting `segments` names {path.absolute()}, which is no file.")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"The segments file {path} is not valid YAML: {error}") from error
    try:
        segments = TypeAdapter(dict[str, Segment]).validate_python(values)
    except ValidationError as error:
        raise ValueError(f"The segments file {path} is invalid: {problems(error, schema=dict[str, Segment])}") from None
    for name, segment in segments.items():
        try:
            check_name(name)
        except ValueError as error:
            raise ValueError(f"The segments file {path} names a {error}") from None
        if segment.recipe is not None:
            named_recipe(segment.recipe)
    return segments


def check_name(name: str) -> None:
    """Raise ValueError if assets and folders of a segment cannot have that name."""
    if name in RESERVED or not re.match(NAME, name):
        raise ValueError(
            f"segment {name!r}: use small letters, digits and _, and none of {', '.join(sorted(RESERVED))}."
        )
