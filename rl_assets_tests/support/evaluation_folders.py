"""Small published datasets."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets_tests.support.dataset_samples import write_dataset_manifest
from rl_assets_tests.support.evaluation_samples import DAY

PARTS = ("rotor", "valve", "gasket", "spindle", "washer", "lever")


def sft_row(key: str, question: str, answer: str, **metadata: Any) -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}],
        "metadata": {"prompt_key": key, "cluster_key": key, "segment": "parts", "category": "colour"}
        | {"agent": "desk", "reward": 1.0}
        | metadata,
    }


def dpo_row(key: str, question: str, chosen: str, rejected: str, **metadata: Any) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": question}],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
        "metadata": {"prompt_key": key, "cluster_key": key, "segment": "parts", "category": "colour", "margin": 1.0}
        | {"strategy": "all_margin", "reward_source": "human"}
        | metadata,
    }


def dataset(folder: Path, **splits: list[dict[str, Any]]) -> Path:
    """A published dataset folder; a split that is not named has one row of a key of its own."""
    folder.mkdir(parents=True)
    filler = next(iter(splits.values()))[0]
    for split in ("train", "validation", "test"):
        own = filler | {"metadata": filler["metadata"] | dict.fromkeys(("prompt_key", "cluster_key"), f"{split}-only")}
        pq.write_table(pa.Table.from_pylist(splits.get(split, [own])), folder / f"{split}.parquet")
    rows = {split: len(splits.get(split, [0])) for split in ("train", "validation", "test")}
    write_dataset_manifest(folder, rows, name=folder.name, day=DAY)
    return folder


def parts_datasets(home: Path, count: int) -> tuple[Path, Path]:
    """SFT and DPO folders with `count` held-out prompts, half of them with a preference pair."""
    names = [f"the {PARTS[i % len(PARTS)]} in drawer {i}" for i in range(count)]
    sft = [sft_row(f"k{i}", f"Which colour has {name}?", f'{{"answer": "red {i}"}}') for i, name in enumerate(names)]
    dpo = [
        dpo_row(f"k{i}", f"Which colour has {name}?", f"red {i}", "I do not know")
        for i, name in enumerate(names)
        if i % 2 == 0
    ]
    return dataset(home / "sft_dataset", test=sft), dataset(home / "dpo_dataset", test=dpo)
