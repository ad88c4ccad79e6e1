"""One adapter to be trained, as a value that can cross to other processes, and the training of it in this one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rl_assets.core.files import write_json
from rl_assets.models.adapters import Adapter, read_adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.runner.run import Log
from rl_assets.training.trainers.dpo import train_dpo
from rl_assets.training.trainers.grpo import train_grpo
from rl_assets.training.trainers.kto import train_kto
from rl_assets.training.trainers.reward_model import train_reward
from rl_assets.training.trainers.sft import train_sft

Kind = Literal["sft", "dpo", "kto", "grpo", "reward"]


@dataclass(frozen=True)
class Request:
    """What an adapter is made from and where it goes: the published dataset folder, base, parent, recipe.

    `parent` is needed for dpo, kto and grpo; `reward_model` where the recipe's rewards name it.
    """

    kind: Kind
    dataset: Path
    day: str
    base: BaseModel
    recipe: Recipe
    adapters: Path
    parent: Adapter | None = None
    reward_model: Adapter | None = None

    def write(self, path: Path) -> None:
        """Write the request as JSON; adapters as their folders."""
        write_json(
            path,
            {
                "kind": self.kind,
                "dataset": str(self.dataset.absolute()),
                "day": self.day,
                "base": [self.base.name, self.base.path, self.base.sha256],
                "recipe": self.recipe.model_dump(mode="json"),
                "adapters": str(self.adapters.absolute()),
                "parent": _folder(self.parent),
                "reward_model": _folder(self.reward_model),
            },
        )


def read_request(path: Path) -> Request:
    """The request that `Request.write` wrote; its adapters are read, and refused where they were altered."""
    given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Request(
        kind=given["kind"],
        dataset=Path(given["dataset"]),
        day=given["day"],
        base=BaseModel(*given["base"]),
        recipe=Recipe.model_validate(given["recipe"]),
        adapters=Path(given["adapters"]),
        parent=_adapter(given["parent"]),
        reward_model=_adapter(given["reward_model"]),
    )


def train_here(request: Request, log: Log) -> Adapter:
    """The adapter of this request, trained in this process; raises what the kind's own training raises."""
    made_of, goes_to = (request.dataset, request.day, request.base), (request.recipe, request.adapters, log)
    if request.kind == "sft":
        return train_sft(*made_of, *goes_to)
    if request.kind == "reward":
        return train_reward(*made_of, *goes_to)
    if request.parent is None:
        raise ValueError(f"an adapter of the kind {request.kind!r} continues another one: the request names no parent")
    if request.kind == "dpo":
        return train_dpo(*made_of, request.parent, *goes_to)
    if request.kind == "kto":
        return train_kto(*made_of, request.parent, *goes_to)
    return train_grpo(*made_of, request.parent, *goes_to, request.reward_model)


def _folder(adapter: Adapter | None) -> str | None:
    return str(adapter.folder.absolute()) if adapter else None


def _adapter(folder: str | None) -> Adapter | None:
    return read_adapter(Path(folder)) if folder else None
