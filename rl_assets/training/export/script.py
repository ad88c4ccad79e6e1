"""A standalone script that reproduces an SFT, DPO or GRPO adapter without this project.

    python -m rl_assets.training.export.script <adapter folder> <base> <dataset folder> [<parent folder>] > train.py

The script holds every value, names the versions to install (PEP 723, so `uv run train.py` installs them) and needs TRL
and what comes with it alone. It trains on the rows in the dataset's train.parquet that the adapter's run used.
"""

import argparse
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from rl_assets.core import blank, control_tokens
from rl_assets.metrics import final_number
from rl_assets.models import chat_template, end_of_turn
from rl_assets.models.adapters import Adapter, read_adapter
from rl_assets.recipes.recipe import FILTERS, Recipe, matches_filters
from rl_assets.rewards import answers
from rl_assets.tables.dataset_manifest import require_manifest
from rl_assets.training.data.group_rows import with_advantages
from rl_assets.training.export.script_parts import BODY, DPO, HEADER, OFFLINE, ONLINE, SFT
from rl_assets.training.runner.arguments import stage_arguments
from rl_assets.training.trainers import awr, offline_grpo, offline_trainer, pair_trainer, raft
from rl_assets.training.trainers.dpo import dpo_arguments
from rl_assets.training.trainers.online_grpo import online_arguments
from rl_assets.training.trainers.sft import sft_arguments

PINNED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "safetensors")
KINDS = ("sft", "dpo", "grpo")
TYPE_IMPORTS = """if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
"""

Repeated = Callable[..., Any] | ModuleType


@dataclass(frozen=True)
class Parts:
    """What differs between methods: the script's text, its trainer's arguments, and what of this project it repeats."""

    text: str
    arguments: dict[str, Any]
    repeated: tuple[Repeated, ...] = ()


# By method, what builds its trainer, and what that needs.
OFFLINE_METHODS: Mapping[str, tuple[Callable[..., Any], ...]] = {
    "raft": (raft.build_raft_trainer,),
    "awr": (awr.build_awr_trainer, awr.AwrLoss, awr.advantage_weight),
    "offline_grpo": (offline_grpo.build_offline_grpo_trainer, offline_grpo.ClippedLoss),
}


def training_script(adapter: Adapter, base: str, dataset: Path, parent: Path | None) -> str:
    """Python source that trains `adapter` again from `base`, the dataset's rows and the parent adapter, if it has one.

    ValueError for another kind of adapter, for a quantized one, for one that a reward model scored, for another dataset
    than it was trained on, and if its parent is missing.
    """
    manifest = adapter.manifest
    _require_reproducible(adapter, dataset, parent)
    # Validated again, so that values which came after the adapter have their defaults.
    recipe = Recipe.model_validate(manifest.recipe).model_dump(mode="json")
    stage = recipe[adapter.kind]
    parts = parts_of(adapter.kind, stage, recipe["max_length"], manifest.dataset.used)
    shared = stage_arguments(stage, recipe["max_length"], manifest.seed)
    if parts.text is ONLINE:
        del shared["max_length"]
    template = adapter.folder / chat_template.FILE
    values = {
        "base": base,
        "data": str(dataset.absolute() / "train.parquet"),
        "parent": str(parent.absolute()) if parent else None,
        "filters": {name: recipe[name] for name in FILTERS},
        "max_length": recipe["max_length"],
        "on_prompt_mismatch": recipe["chat_template"]["on_prompt_mismatch"],
        "chat_template": template.read_text(encoding="utf-8") if template.is_file() else None,
        "lora": recipe["lora"],
        "seed": manifest.seed,
        "stage": stage,
        "arguments": shared | parts.arguments,
        "expected": manifest.loss_curve,
    }
    header = HEADER.format(
        kind=adapter.kind.upper(),
        inputs_hash=adapter.inputs_hash,
        python=manifest.versions["python"].rpartition(".")[0],
        dependencies="\n".join(f'#   "{name}=={manifest.versions[name]}",' for name in PINNED),
    )
    # The values last: no text of theirs is mistaken for a placeholder.
    repeated = "\n\n".join(map(source_of, (matches_filters, blank, control_tokens, chat_template, *parts.repeated)))
    body = BODY.replace("@OURS@", repeated).replace("@TRAINER@", parts.text)
    return header + body.replace("@VALUES@", literal_of(values))


def _require_reproducible(adapter: Adapter, dataset: Path, parent: Path | None) -> None:
    manifest = adapter.manifest
    if adapter.kind not in KINDS:
        raise ValueError(f"{adapter.folder} is of the kind {adapter.kind!r}; scripts are for: {', '.join(KINDS)}.")
    if "reward_model" in manifest.reward_funcs:
        raise ValueError(f"{adapter.folder} was rewarded by a model; scripts know rewards by rule alone.")
    if "image_answer" in manifest.reward_funcs:
        raise ValueError(f"{adapter.folder} was rewarded for its images; scripts know the rewards of texts alone.")
    if manifest.dataset.name == "multimodal_vision_dataset":
        raise ValueError(f"{adapter.folder} was trained on images; scripts are for texts.")
    if manifest.recipe["quantization"] or manifest.dataset.cut:
        raise ValueError(f"{adapter.folder} has a quantized base or cut rows; scripts are for neither.")
    if require_manifest(dataset).sha256 != manifest.dataset.sha256:
        raise ValueError(f"{dataset} is not what {adapter.folder} was trained on: its content hash differs.")
    if manifest.parent and (parent is None or read_adapter(parent).sha256 != manifest.parent.sha256):
        raise ValueError(f"{adapter.folder} continues the adapter {manifest.parent.inputs_hash}: name its folder.")


def parts_of(kind: str, stage: dict[str, Any], max_length: int, rows: int) -> Parts:
    """What the method of a stage needs; `rows` is 0 if nobody has counted them."""
    if kind == "sft":
        return Parts(SFT, sft_arguments(stage, max_length))
    if kind == "dpo":
        return Parts(DPO, dpo_arguments(stage, rows), (pair_trainer,))
    if stage["method"] == "online_grpo":
        return Parts(ONLINE, online_arguments(stage), (final_number, answers, end_of_turn))
    build, *needed = OFFLINE_METHODS[stage["method"]]
    return Parts(OFFLINE.replace("@BUILD@", build.__name__), {}, (with_advantages, offline_trainer, *needed, build))


def source_of(what: Repeated) -> str:
    """The source of a function or class, or of a module without its docstring and what it imports."""
    text = inspect.getsource(what)
    if not isinstance(what, ModuleType):
        return text
    docstring = text.index('"""', 3) + 3
    body = text[docstring:].replace(TYPE_IMPORTS, "")
    return "\n".join(line for line in body.splitlines() if not line.startswith(("from ", "import ")))


def literal_of(values: dict[str, Any]) -> str:
    """The values as a JSON text in a Python string, so that nothing in them is code."""
    return repr(json.dumps(values, ensure_ascii=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapter", type=Path)
    parser.add_argument("base")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("parent", type=Path, nargs="?")
    arguments = parser.parse_args()
    adapter = read_adapter(arguments.adapter)
    print(training_script(adapter, arguments.base, arguments.dataset, arguments.parent), end="")


if __name__ == "__main__":
    main()
