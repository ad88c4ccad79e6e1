"""`interaction_stats` as of a day: how the product did, what could be built from it, and what to do with that."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from rl_assets.core import sql
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.lake.delta import Lake, Published
from rl_assets.tables.dataset_manifest import require_manifest
from rl_assets.tables.interaction_stats import STATS, TRAINABLE, USABLE
from rl_assets.tables.usable_rows import UsableRows, sentence

MIN_HIGH_QUALITY_RATE = 0.7
MAX_ERROR_RATE = 0.1
# Of as many trainable rows, the stages that are worth their effort. Below the last, few-shot prompting is.
ADVICE = ((10_000, ("sft", "dpo", "grpo")), (1_000, ("sft", "dpo")), (100, ("sft",)))
NO_TRAINING = "few-shot prompting, not training"


@dataclass(frozen=True)
class StatsOfDay:
    """Published statistics; `day` and `window` are the two rows."""

    published: Published
    day: dict[str, Any]
    window: dict[str, Any]


def write_stats(
    lake: Lake, window: Window, datasets: Path, trainable: Mapping[str, UsableRows], memory_limit: str = "2GB"
) -> StatsOfDay:
    """Publish the statistics of the window's day; `<datasets>/<name>/<day>` says what could be built, and `trainable`,
    by kind of adapter, what of that the recipe would train on.
    """
    connection = rated_as_of(lake, window, memory_limit)
    rows = sql.select(connection, "datasets/interaction_stats", day=window.day).to_arrow_table().to_pylist()
    usable = {name: _usable(datasets / dataset / str(window.day)) for name, (dataset, _) in USABLE.items()}
    for row in rows:
        is_window = row["scope"] == "window"
        row |= {name: count if is_window else None for name, count in usable.items()}
        row |= {name: trainable[kind].rows if is_window else None for name, kind in TRAINABLE.items()}
        row["recommendation"] = recommendation(trainable) if is_window else None
    published = lake.publish(STATS, window.day, pa.Table.from_pylist(rows, schema=STATS.schema).to_reader())
    return StatsOfDay(published, *rows)


def recommendation(trainable: Mapping[str, UsableRows]) -> str:
    """What to do with this much data: the stages that the count of SFT rows makes worth it, as far as they would train;
    in brackets, what the nightly run would train, and what a stage lacks.
    """
    sft = trainable["sft"]
    worth = next((stages for rows, stages in ADVICE if sft.trains and sft.rows >= rows), ())
    advice = ", then ".join(stage.upper() for stage in worth if trainable[stage].trains) or NO_TRAINING
    shown = [trainable[stage] for stage in ("sft", "dpo", "grpo") if stage in ("sft", "dpo", *worth)]
    return f"{advice} ({sentence(shown)})"


def _usable(folder: Path) -> int:
    return sum(require_manifest(folder).rows.values())
