"""A standalone script that reproduces an SFT or DPO adapter without this project.

    python -m rl_assets.training.script <adapter folder> <base> <dataset folder> [<parent adapter folder>] > train.py

The script holds every value, names the versions to install (PEP 723, so `uv run train.py` installs them) and needs TRL
and what comes with it alone. It trains on the rows in the dataset's train.parquet that the adapter's run used.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from rl_assets.training.adapters import Adapter, read_adapter, read_dataset_manifest
from rl_assets.training.arguments import stage_arguments
from rl_assets.training.script_parts import BODY, HEADER, TRAINERS

PINNED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "safetensors")


def training_script(adapter: Adapter, base: str, dataset: Path, parent: Path | None) -> str:
    """Python source that trains `adapter` again from `base`, the dataset's rows and, for DPO, the parent adapter.

    ValueError for another kind of adapter, for a quantised one, for another dataset than it was trained on, and where
    a DPO adapter's parent is missing.
    """
    manifest = adapter.manifest
    _require(adapter, dataset, parent)
    recipe = manifest["recipe"]
    stage = recipe[adapter.kind]
    values = {
        "base": base,
        "data": str(dataset.absolute() / "train.parquet"),
        "parent": str(parent.absolute()) if parent else None,
        "segment": recipe["segment"],
        "max_length": recipe["max_length"],
        "lora": recipe["lora"],
        "seed": manifest["seed"],
        "arguments": stage_arguments(stage, recipe["max_length"], manifest["seed"])
        | _own_arguments(adapter.kind, stage),
        "expected": manifest["loss_curve"],
    }
    versions = manifest["versions"]
    return HEADER.format(
        kind=adapter.kind.upper(),
        inputs_hash=adapter.inputs_hash,
        python=versions["python"].rpartition(".")[0],
        dependencies="\n".join(f'#   "{name}=={versions[name]}",' for name in PINNED),
    ) + BODY.replace("VALUES", _literal(values)).replace("TRAINER", TRAINERS[adapter.kind])


def _require(adapter: Adapter, dataset: Path, parent: Path | None) -> None:
    manifest = adapter.manifest
    if adapter.kind not in TRAINERS:
        raise ValueError(f"{adapter.folder} is of the kind {adapter.kind!r}; scripts are for: {', '.join(TRAINERS)}.")
    if manifest["recipe"]["quantization"] or manifest["dataset"]["cut"]:
        raise ValueError(f"{adapter.folder} has a quantised base or cut rows; scripts are for neither.")
    if read_dataset_manifest(dataset)["sha256"] != manifest["dataset"]["sha256"]:
        raise ValueError(f"{dataset} is not what {adapter.folder} was trained on: its content hash differs.")
    if manifest["parent"] and (parent is None or read_adapter(parent).sha256 != manifest["parent"]["sha256"]):
        raise ValueError(
            f"{adapter.folder} continues the adapter {manifest['parent']['inputs_hash']}: name its folder."
        )


def _own_arguments(kind: str, stage: dict[str, Any]) -> dict[str, Any]:
    if kind == "sft":
        return {"completion_only_loss": True, "train_sampling_strategy": stage["sampling"]}
    return {
        "beta": stage["beta"],
        "loss_type": stage["loss"],
        "precompute_ref_log_probs": stage["precompute_reference"],
    }


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
