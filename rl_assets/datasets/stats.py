"""`interaction_stats` as of a day: how the product did, what could be built from it, and what to do with that."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from rl_assets import sql
from rl_assets.datasets.folder import read_manifest
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.ingest.records import Table, column
from rl_assets.lake import Lake, Published

LEAST_HIGH_QUALITY = 0.7
MOST_ERRORS = 0.1
# From this many usable rows on.
ADVICE = (
    (10_000, "SFT, then DPO, then GRPO"),
    (1_000, "SFT, then DPO"),
    (100, "SFT"),
    (0, "few-shot prompting, not training"),
)
FEWEST = 100
USABLE = {
    "sft_rows": ("sft_dataset", "rows of sft_dataset"),
    "dpo_pairs": ("dpo_dataset", "pairs of dpo_dataset"),
    "reward_pairs": ("reward_dataset", "pairs of reward_dataset"),
    "kto_rows": ("kto_dataset", "rows of kto_dataset"),
    "grpo_groups": ("grpo_dataset", "groups of grpo_dataset"),
}
STATS = Table(
    "interaction_stats",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which this was known; the partition"),
            column("scope", pa.string(), "day: answers that landed on it; window: the whole trailing window"),
            column("answers", pa.int64(), "answers"),
            column("rated", pa.int64(), "answers with a reward"),
            column("high_quality", pa.int64(), "answers with a reward of 0.8 or more and no error"),
            column("high_quality_rate", pa.float64(), "their share of the rated answers; 0 where there are none"),
            column("errors", pa.int64(), "answers that failed"),
            column("error_rate", pa.float64(), "their share of all answers; 0 where there are none"),
            column("latency_p50_ms", pa.float64(), "median time to answer in ms"),
            column("latency_p95_ms", pa.float64(), "95th percentile of the time to answer in ms"),
            column("by_agent", pa.string(), "answers by agent, as JSON"),
            column("by_category", pa.string(), "answers by category, as JSON"),
            *(
                column(name, pa.int64(), f"{what}, after all filters; null for a day")
                for name, (_, what) in USABLE.items()
            ),
            column("recommendation", pa.string(), "what training this much data is worth; null for a day"),
        ]
    ),
    identity=(
        "scope",
        "answers",
        "rated",
        "high_quality",
        "errors",
        "by_agent",
        "by_category",
        *USABLE,
        "recommendation",
    ),
)


@dataclass(frozen=True)
class StatsOfDay:
    """Published statistics; `day` and `window` are the two rows."""

    published: Published
    day: dict[str, Any]
    window: dict[str, Any]


def write_stats(lake: Lake, window: Window, datasets: Path, memory_limit: str = "2GB") -> StatsOfDay:
    """Publish the statistics of the window's day; `<datasets>/<name>/<day>` says what could be built."""
    connection = rated_as_of(lake, window, memory_limit)
    rows = sql.select(connection, "interaction_stats", day=window.day).to_arrow_table().to_pylist()
    usable = {name: _usable(datasets / dataset / str(window.day)) for name, (dataset, _) in USABLE.items()}
    for row in rows:
        whole = row["scope"] == "window"
        row |= {name: count if whole else None for name, count in usable.items()}
        row["recommendation"] = recommendation(**usable) if whole else None
    published = lake.publish(STATS, window.day, pa.Table.from_pylist(rows, schema=STATS.schema).to_reader())
    return StatsOfDay(published, *rows)


def recommendation(sft_rows: int, dpo_pairs: int, grpo_groups: int, **_: int) -> str:
    """What to do with this much data: the stages that the count of SFT rows allows, and what a later one lacks."""
    advice = next(said for least, said in ADVICE if sft_rows >= least)
    lacking = [
        f"{count} {what}, {stage} needs {FEWEST} or more"
        for stage, count, what in (("DPO", dpo_pairs, "pairs"), ("GRPO", grpo_groups, "groups"))
        if stage in advice and count < FEWEST
    ]
    return f"{advice} ({'; '.join([f'{sft_rows} usable rows', *lacking])})"


def _usable(folder: Path) -> int:
    manifest = read_manifest(folder)
    if manifest is None:
        raise FileNotFoundError(
            f"there is no dataset in {folder}: materialize {folder.parent.name} of {folder.name} first"
        )
    return sum(manifest["rows"].values())
