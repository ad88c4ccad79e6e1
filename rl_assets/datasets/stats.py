"""`interaction_stats` as of a day: how the product did, what could be built from it, and what to do with that."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from rl_assets.core import sql
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.lake.delta import Lake, Published
from rl_assets.tables.dataset_manifest import require_manifest
from rl_assets.tables.interaction_stats import STATS, USABLE

MIN_HIGH_QUALITY_RATE = 0.7
MAX_ERROR_RATE = 0.1
# From this many usable rows on.
ADVICE = (
    (10_000, "SFT, then DPO, then GRPO"),
    (1_000, "SFT, then DPO"),
    (100, "SFT"),
    (0, "few-shot prompting, not training"),
)
MIN_PAIRS_OR_GROUPS = 100


@dataclass(frozen=True)
class StatsOfDay:
    """Published statistics; `day` and `window` are the two rows."""

    published: Published
    day: dict[str, Any]
    window: dict[str, Any]


def write_stats(lake: Lake, window: Window, datasets: Path, memory_limit: str = "2GB") -> StatsOfDay:
    """Publish the statistics of the window's day; `<datasets>/<name>/<day>` says what could be built."""
    connection = rated_as_of(lake, window, memory_limit)
    rows = sql.select(connection, "datasets/interaction_stats", day=window.day).to_arrow_table().to_pylist()
    usable = {name: _usable(datasets / dataset / str(window.day)) for name, (dataset, _) in USABLE.items()}
    for row in rows:
        is_window = row["scope"] == "window"
        row |= {name: count if is_window else None for name, count in usable.items()}
        row["recommendation"] = recommendation(**usable) if is_window else None
    published = lake.publish(STATS, window.day, pa.Table.from_pylist(rows, schema=STATS.schema).to_reader())
    return StatsOfDay(published, *rows)


def recommendation(sft_rows: int, dpo_pairs: int, grpo_groups: int, **_: int) -> str:
    """What to do with this much data: the stages that the count of SFT rows allows, and what a later one lacks."""
    advice = next(text for min_rows, text in ADVICE if sft_rows >= min_rows)
    lacking = [
        f"{count} {what}, {stage} needs {MIN_PAIRS_OR_GROUPS} or more"
        for stage, count, what in (("DPO", dpo_pairs, "pairs"), ("GRPO", grpo_groups, "groups"))
        if stage in advice and count < MIN_PAIRS_OR_GROUPS
    ]
    return f"{advice} ({'; '.join([f'{sft_rows} usable rows', *lacking])})"


def _usable(folder: Path) -> int:
    return sum(require_manifest(folder).rows.values())
