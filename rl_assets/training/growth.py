"""Whether enough new feedback has come for another training: prompts with usable rows that were not there last time."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from rl_assets.datasets.folder import read_manifest
from rl_assets.files import sha256_text
from rl_assets.training.adapters import newest_adapter

DATASETS = {"sft": "sft_dataset", "dpo": "dpo_dataset", "grpo": "grpo_dataset"}


@dataclass(frozen=True)
class Growth:
    """New prompts by kind in the datasets of `day` against those of the last training; `content` is their hash."""

    day: str
    new_prompts: dict[str, int]
    content: str


def growth(home: Path) -> Growth | None:
    """What the newest datasets hold that the last training had not, or None before the first dataset.

    Many acts of feedback on one prompt are one prompt. Without a training so far everything is new.
    """
    day = _newest(home / "datasets" / "sft_dataset")
    if day is None:
        return None
    trained = _newest_trained(home / "adapters")
    folders = {kind: home / "datasets" / name for kind, name in DATASETS.items()}
    manifests = [read_manifest(folder / day) for folder in folders.values()]
    return Growth(
        day=day,
        new_prompts={
            kind: _new_prompts(folder / day, folder / trained if trained else None) for kind, folder in folders.items()
        },
        content=sha256_text("-".join(manifest["sha256"] if manifest else "" for manifest in manifests)),
    )


def is_enough(found: Growth, least: dict[str, int]) -> bool:
    """Whether any kind reaches its threshold."""
    return any(found.new_prompts[kind] >= rows for kind, rows in least.items())


def _newest(dataset: Path) -> str | None:
    if not dataset.is_dir():
        return None
    return max((day.name for day in dataset.iterdir() if (day / "manifest.json").exists()), default=None)


def _newest_trained(adapters: Path) -> str | None:
    """Day of the datasets that the newest SFT adapter was trained on."""
    days = sorted((path.stem for path in (adapters / "sft" / "days").glob("*.json")), reverse=True)
    adapter = newest_adapter(adapters, "sft", days[0]) if days else None
    return adapter.manifest["dataset"]["day"] if adapter else None


def _new_prompts(now: Path, before: Path | None) -> int:
    """Distinct training prompts of one dataset that another does not have."""
    if not (now / "manifest.json").exists():
        return 0
    connection = duckdb.connect()
    sides = [folder / "train.parquet" for folder in (now, before) if folder and (folder / "train.parquet").exists()]
    prompts = [f"SELECT DISTINCT metadata.prompt_key AS key FROM read_parquet('{path}')" for path in sides]
    return connection.sql(f"SELECT count(*) FROM ({' EXCEPT '.join(f'({prompt})' for prompt in prompts)})").fetchall()[
        0
    ][0]
