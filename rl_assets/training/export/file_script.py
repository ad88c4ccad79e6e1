"""A standalone script that trains an adapter on a file of rows (.jsonl), as the feedback service exports them.

It holds its values as one JSON text, names the versions to install, and needs TRL and what comes with it alone.
"""

import sys
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import version
from typing import Any, Literal

from rl_assets.core import blank, control_tokens
from rl_assets.models import chat_template
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.recipes.stages import LoraRecipe
from rl_assets.training.export.script import PINNED, literal_of, parts_of, source_of
from rl_assets.training.export.script_parts import FILE_BODY, FILE_HEADER, ONLINE
from rl_assets.training.runner.arguments import stage_arguments

ScriptKind = Literal["sft", "dpo", "grpo"]
SHARED = ("max_length", "seed")
WITHOUT_PARTS = frozenset({"reward_model", "image_answer"})  # Rewards that a script cannot compute.


class ScriptConfigError(ValueError):
    """A key of the configuration is unknown, or its value invalid."""

    def __init__(self, sentence: str, key: str) -> None:
        super().__init__(sentence)
        self.key = key


@dataclass(frozen=True)
class FileTraining:
    """What to train, on what and where to: paths and model as the machine that trains knows them."""

    kind: ScriptKind
    base: str
    data: str
    output: str
    parent: str | None
    recipe: Recipe

    @property
    def config(self) -> dict[str, Any]:
        """The values of the recipe that decide this training, under the names that `with_config` takes."""
        values = self.recipe.model_dump(mode="json")
        return {**values[self.kind], **values["lora"], **{name: values[name] for name in SHARED}}


def with_config(recipe: Recipe, kind: ScriptKind, config: dict[str, Any]) -> Recipe:
    """The recipe with other values of the stage, of LoRA, `max_length` or `seed`. Raises ScriptConfigError."""
    stage, lora = set(type(getattr(recipe, kind)).model_fields), set(LoraRecipe.model_fields)
    known = sorted({*stage, *lora, *SHARED})
    for key in config:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            raise ScriptConfigError(f"{key} is no value of a {kind} recipe: {hint}", key)
    try:
        chosen = adjusted(
            recipe,
            {
                kind: {key: value for key, value in config.items() if key in stage},
                "lora": {key: value for key, value in config.items() if key in lora},
                **{key: value for key, value in config.items() if key in SHARED},
            },
        )
    except ValueError as error:
        raise ScriptConfigError(str(error), next(iter(config), "")) from None
    if kind == "grpo" and chosen.grpo.method == "online_grpo" and WITHOUT_PARTS & set(chosen.grpo.reward_funcs):
        raise ScriptConfigError("scripts know rewards of texts by rule alone", "reward_funcs")
    return chosen


def file_script(training: FileTraining) -> str:
    """Python source that trains the adapter and ends."""
    recipe = training.recipe.model_dump(mode="json")
    stage = recipe[training.kind]
    parts = parts_of(training.kind, stage, recipe["max_length"], 0)
    shared = stage_arguments(stage, recipe["max_length"], recipe["seed"])
    if parts.text is ONLINE:
        del shared["max_length"]
    values = {
        "base": training.base,
        "data": training.data,
        "output": training.output,
        "parent": training.parent,
        "max_length": recipe["max_length"],
        "on_prompt_mismatch": recipe["chat_template"]["on_prompt_mismatch"],
        "chat_template": None,
        "lora": recipe["lora"],
        "seed": recipe["seed"],
        "stage": stage,
        "arguments": shared | parts.arguments,
    }
    header = FILE_HEADER.format(
        kind=training.kind.upper(),
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        dependencies="\n".join(f'#   "{name}=={version(name)}",' for name in PINNED),
    )
    repeated = "\n\n".join(map(source_of, (blank, control_tokens, chat_template, *parts.repeated)))
    # The values last: no text of theirs is mistaken for a placeholder.
    body = FILE_BODY.replace("@OURS@", repeated).replace("@TRAINER@", parts.text)
    return header + body.replace("@VALUES@", literal_of(values))
