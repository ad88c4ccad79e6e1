"""What went round: every call and verdict of the loop, counted at each station. It only reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq

from rl_assets.core.home import Home
from rl_assets.core.identity import user_hash_key
from rl_assets.datasets.split_files import SPLITS
from rl_assets.lake.delta import Lake
from rl_assets.lake.tombstones import hash_user
from rl_assets.settings import Settings
from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS

DATASETS = ("sft_dataset", "dpo_dataset", "kto_dataset", "grpo_dataset")


@dataclass(frozen=True)
class Count:
    """How often something was acknowledged, and how often the lake has it."""

    what: str
    acknowledged: int
    landed: int

    @property
    def balances(self) -> bool:
        return self.acknowledged == self.landed


def count_answers(lake: Lake, days: Sequence[date], ids: Collection[str]) -> Count:
    """Answers that users got: each is one row."""
    rows: int = lake.read(INTERACTIONS, list(days)).count_rows(filter=ds.field("interaction_id").isin(list(ids)))
    return Count("answers", len(ids), rows)


def count_feedback(lake: Lake, days: Sequence[date], ids: Collection[str]) -> Count:
    """Verdicts that the gateway took: each is one row under its id."""
    return Count("verdicts by the gateway", len(ids), _feedback(lake, days, ds.field("feedback_id").isin(list(ids))))


def count_rewards(lake: Lake, days: Sequence[date], ids: Collection[str]) -> Count:
    """Rewards that the service took, by their answers, each of which got one."""
    given = ds.field("interaction_id").isin(list(ids)) & (ds.field("kind") == "reward")
    return Count("rewards by the service", len(ids), _feedback(lake, days, given))


def count_comparisons(settings: Settings, lake: Lake, days: Sequence[date], compared: Mapping[str, int]) -> Count:
    """Comparisons by rater: the lake knows a rater by a keyed hash."""
    key = user_hash_key(settings.user_hash_key, settings.paths)
    by_rater = ds.field("rater").isin([hash_user(name, key) for name in compared])
    return Count("comparisons at the pages", sum(compared.values()), _feedback(lake, days, by_rater))


def _feedback(lake: Lake, days: Sequence[date], condition: ds.Expression) -> int:
    rows: int = lake.read(FEEDBACK, list(days)).count_rows(filter=condition)
    return rows


def rejected_lines(lake: Lake, days: Sequence[date]) -> int:
    """Lines of these days that ingestion rejected."""
    rejected: int = lake.read(REJECTED_RECORDS, list(days)).count_rows()
    return rejected


def strangers(home: Home, lake: Lake, days: Sequence[date], day: str) -> dict[str, int]:
    """Rows of each dataset of `day` that are not of an answer which landed on these days, nor of such an answer's
    prompt if a row is made of several."""
    keys = ["interaction_id", "prompt_key"]
    landed = lake.read(INTERACTIONS, list(days)).to_table(columns=keys)
    known = {name: set(landed[name].to_pylist()) for name in keys}

    def is_strange(row: dict[str, Any]) -> bool:
        return any(row[name] not in known[name] for name in keys if name in row)

    return {name: sum(map(is_strange, _metadata(home, name, day))) for name in DATASETS}


def rows_of(home: Home, day: str) -> dict[str, int]:
    """Rows of each dataset, all splits together."""
    return {name: len(_metadata(home, name, day)) for name in DATASETS}


def _metadata(home: Home, name: str, day: str) -> list[dict[str, Any]]:
    """The metadata of every row of a dataset."""
    files = [home.datasets(name, day) / f"{split}.parquet" for split in SPLITS]
    return [row for file in files if file.is_file() for row in pq.read_table(file)["metadata"].to_pylist()]
