"""A standalone script that reproduces an SFT, DPO or GRPO adapter without this project.

    python -m rl_assets.training.export.script <adapter folder> <base> <dataset folder> [<parent folder>] > train.py

The script holds every value, names the versions to install (PEP 723, so `uv run train.py` installs them) and needs TRL
and what comes with it alone. It trains on the rows in the dataset's train.parquet that the adapter's run used.
"""

import argparse
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from rl_assets.models.adapters import Adapter, read_adapter, read_dataset_manifest
from rl_assets.recipes.recipe import Recipe
from rl_assets.rewards import answers
from rl_assets.training.data.group_rows import with_advantages
from rl_assets.training.data.rows import in_slice
from rl_assets.training.export.script_parts import BODY, DPO, HEADER, LOGGED, ONLINE, SFT
from rl_assets.training.trainers import logged_losses, logged_training, pair_trainer
from rl_assets.training.trainers.arguments import dpo_arguments, online_arguments, sft_arguments, stage_arguments

PINNED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "safetensors")
KINDS = ("sft", "dpo", "grpo")


def training_script(adapter: Adapter, base: str, dataset: Path, parent: Path | None) -> str:
    """Python source that trains `adapter` again from `base`, the dataset's rows and the parent adapter, if it has one.

    ValueError for another kind of adapter, for a quantised one, for one that a reward model taught, for another dataset
    than it was trained on, and where its parent is missing.
    """
    manifest = adapter.manifest
    _require(adapter, dataset, parent)
    # Validated again, so that values which came after the adapter have their defaults.
    recipe = Recipe.model_validate(manifest["recipe"]).model_dump(mode="json")
    stage = recipe[adapter.kind]
    trainer, arguments, ours = _trainer(adapter.kind, stage, recipe["max_length"])
    shared = stage_arguments(stage, recipe["max_length"], manifest["seed"])
    if trainer is ONLINE:
        del shared["max_length"]
    values = {
        "base": base,
        "data": str(dataset.absolute() / "train.parquet"),
        "parent": str(parent.absolute()) if parent else None,
        "slice": {name: recipe[name] for name in ("segment", "agents", "categories")},
        "max_length": recipe["max_length"],
        "lora": recipe["lora"],
        "seed": manifest["seed"],
        "stage": stage,
        "arguments": shared | arguments,
        "expected": manifest["loss_curve"],
    }
    versions = manifest["versions"]
    header = HEADER.format(
        kind=adapter.kind.upper(),
        inputs_hash=adapter.inputs_hash,
        python=versions["python"].rpartition(".")[0],
        dependencies="\n".join(f'#   "{name}=={versions[name]}",' for name in PINNED),
    )
    # The values last: no text of theirs is taken for a place to fill.
    body = BODY.replace("@OURS@", "\n\n".join(map(_source, (in_slice, *ours)))).replace("@TRAINER@", trainer)
    return header + body.replace("@VALUES@", _literal(values))


def _require(adapter: Adapter, dataset: Path, parent: Path | None) -> None:
    manifest = adapter.manifest
    if adapter.kind not in KINDS:
        raise ValueError(f"{adapter.folder} is of the kind {adapter.kind!r}; scripts are for: {', '.join(KINDS)}.")
    if "reward_model" in manifest.get("rewards", ()):
        raise ValueError(f"{adapter.folder} was rewarded by a model; scripts know rewards by rule alone.")
    if "image_answer" in manifest.get("rewards", ()):
        raise ValueError(f"{adapter.folder} was rewarded for its images; scripts know the rewards of texts alone.")
    if manifest["dataset"]["name"] == "multimodal_vision_dataset":
        raise ValueError(f"{adapter.folder} was trained on pictures; scripts are for texts.")
    if manifest["recipe"]["quantization"] or manifest["dataset"]["cut"]:
        raise ValueError(f"{adapter.folder} has a quantised base or cut rows; scripts are for neither.")
    if read_dataset_manifest(dataset)["sha256"] != manifest["dataset"]["sha256"]:
        raise ValueError(f"{dataset} is not what {adapter.folder} was trained on: its content hash differs.")
    if manifest["parent"] and (parent is None or read_adapter(parent).sha256 != manifest["parent"]["sha256"]):
        raise ValueError(
            f"{adapter.folder} continues the adapter {manifest['parent']['inputs_hash']}: name its folder."
        )


def _trainer(
    kind: str, stage: dict[str, Any], max_length: int
) -> tuple[str, dict[str, Any], tuple[Callable | ModuleType, ...]]:
    """What differs: the script's text for this way of training, its arguments, and what of this project it repeats."""
    if kind == "sft":
        return SFT, sft_arguments(stage, max_length), ()
    if kind == "dpo":
        return DPO, dpo_arguments(stage), (pair_trainer,)
    if stage["way"] == "online":
        return ONLINE, online_arguments(stage), (answers,)
    return LOGGED, {}, (with_advantages, logged_losses, logged_training)


def _source(what: Callable | ModuleType) -> str:
    """The source of a function, or of a module without what it imports and says of itself."""
    text = inspect.getsource(what)
    if not isinstance(what, ModuleType):
        return text
    docstring = text.index('"""', 3) + 3
    return "\n".join(line for line in text[docstring:].splitlines() if not line.startswith(("from ", "import ")))


def _literal(values: dict[str, Any]) -> str:
    """The values as a JSON text in a Python string, so that nothing in them is code."""
    return repr(json.dumps(values, ensure_ascii=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapter", type=Path)
    parser.add_argument("base")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("parent", type=Path, nargs="?")
    given = parser.parse_args()
    print(training_script(read_adapter(given.adapter), given.base, given.dataset, given.parent), end="")


if __name__ == "__main__":
    main()
