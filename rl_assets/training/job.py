"""One adapter to be trained, as a value that can cross to other processes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from rl_assets.models.adapters import Adapter, AdapterKind
from rl_assets.models.base_models import BaseModel
from rl_assets.recipes.recipe import Recipe

Kind = Literal["sft", "dpo", "kto", "grpo", "ppo", "reward", "vision"]
CONTINUING: frozenset[Kind] = frozenset({"dpo", "kto", "grpo", "ppo"})


@dataclass(frozen=True)
class TrainingJob:
    """What an adapter is made from and where it goes: the published dataset folder, base, recipe, adapters' folder.

    `parent` is the adapter that dpo, kto, grpo and ppo continue; `reward_model` scores answers if the recipe asks for
    it. ValueError if such a kind has no parent.
    """

    kind: Kind
    dataset: Path
    day: str
    base: BaseModel
    recipe: Recipe
    adapters: Path
    parent: Adapter | None = None
    reward_model: Adapter | None = None

    def __post_init__(self) -> None:
        if self.kind in CONTINUING and self.parent is None:
            raise ValueError(f"training of the kind {self.kind!r} continues an adapter: the job names no parent")

    @property
    def adapter_kind(self) -> AdapterKind:
        """The recipe's stage and the kind of adapter that comes of it: vision is SFT of another sort of model."""
        return "sft" if self.kind == "vision" else self.kind

    @property
    def used_reward_model(self) -> Adapter | None:
        """The reward model if the recipe's method lets it score answers."""
        uses = {"grpo": self.recipe.grpo.uses_reward_model, "ppo": self.recipe.ppo.uses_reward_model}
        return self.reward_model if uses.get(self.kind) else None

    @property
    def required_parent(self) -> Adapter:
        """The adapter that this training continues."""
        assert self.parent is not None, "kinds that continue an adapter are refused without one"
        return self.parent

    def to_json(self) -> bytes:
        """The job for another process of this machine."""
        return TypeAdapter(TrainingJob).dump_json(self, indent=2)


def job_from_json(content: bytes) -> TrainingJob:
    """The job that `TrainingJob.to_json` gave."""
    return TypeAdapter(TrainingJob).validate_json(content)
