"""Whether enough new feedback has come for another training: prompts with usable rows that were not there last time."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from pyarrow import parquet

from rl_assets.core.files import sha256_text
from rl_assets.core.home import Home
from rl_assets.datasets.prompts import prompts_file
from rl_assets.models.adapters import Adapter, newest_adapter
from rl_assets.recipes.recipe import FILTERS, Recipe, matches_filters
from rl_assets.tables.dataset_manifest import read_manifest

DATASETS = {"sft": "sft_dataset", "dpo": "dpo_dataset", "grpo": "grpo_dataset"}


@dataclass(frozen=True)
class Growth:
    """New prompts by kind in the datasets of `day` against those of the last training; `content` is their hash."""

    day: str
    new_prompts: dict[str, int]
    content: str


def measure_growth(home: Home, recipe: Recipe) -> Growth | None:
    """What the newest datasets hold that the last training had not, or None before the first dataset.

    Only rows that the recipe's filters keep count.
    Many feedback events on one prompt count as one prompt. Without a training so far everything is new.
    """
    day = _newest(home.datasets("sft_dataset"))
    if day is None:
        return None
    trained = _newest_trained(home.adapters())
    folders = {kind: home.datasets(name) for kind, name in DATASETS.items()}
    manifests = [read_manifest(folder / day) for folder in folders.values()]
    return Growth(
        day=day,
        new_prompts={
            kind: _new_prompts(folder / day, _prompts_trained_on(folder, kind, trained, home.adapters()), recipe)
            for kind, folder in folders.items()
        },
        content=sha256_text("-".join(manifest.sha256 if manifest else "" for manifest in manifests)),
    )


def is_enough(growth: Growth, min_prompts: dict[str, int]) -> bool:
    """Whether any kind reaches its threshold."""
    return any(growth.new_prompts[kind] >= minimum for kind, minimum in min_prompts.items())


def _newest(dataset: Path) -> str | None:
    if not dataset.is_dir():
        return None
    return max((day.name for day in dataset.iterdir() if (day / "manifest.json").exists()), default=None)


def _newest_trained(adapters: Path) -> Adapter | None:
    """The SFT adapter of the newest day that has one."""
    days = sorted((path.stem for path in (adapters / "sft" / "days").glob("*.json")), reverse=True)
    return newest_adapter(adapters, "sft", days[0]) if days else None


def _prompts_trained_on(dataset: Path, kind: str, trained: Adapter | None, adapters: Path) -> Path | None:
    """The prompts of one dataset as the last training read it; the dataset may have been rebuilt since.

    A kind that was not trained that day, because its rows were too few, counts as of the day's dataset of now.
    """
    if trained is None:
        return None
    day = trained.manifest.dataset.day
    adapter = trained if kind == trained.kind else newest_adapter(adapters, kind, day)
    kept = prompts_file(dataset, adapter.manifest.dataset.sha256) if adapter else None
    return kept if kept and kept.exists() else dataset / day / "train.parquet"


def _new_prompts(now: Path, before: Path | None, recipe: Recipe) -> int:
    """Distinct training prompts of one dataset, kept by the recipe's filters, that another does not have."""
    if not (now / "manifest.json").exists():
        return 0
    connection = duckdb.connect()
    if any(getattr(recipe, name) for name in FILTERS):
        rows = parquet.read_table(now / "train.parquet", columns=["metadata"]).column("metadata").to_pylist()
        kept = [row["prompt_key"] for row in rows if matches_filters(row, recipe)]
        connection.register("kept", pa.table({"key": pa.array(kept, pa.string())}))
        prompts = ["(SELECT DISTINCT key FROM kept)"]
    else:
        prompts = [_distinct(now / "train.parquet")]
    prompts += [_distinct(before)] if before and before.exists() else []
    return int(connection.sql(f"SELECT count(*) FROM ({' EXCEPT '.join(prompts)})").fetchall()[0][0])


def _distinct(path: Path) -> str:
    """A query for the prompts in a file of training rows, or in one that keeps prompts alone."""
    key = "metadata.prompt_key" if path.name == "train.parquet" else "prompt_key"
    return f"(SELECT DISTINCT {key} AS key FROM read_parquet('{path}'))"
