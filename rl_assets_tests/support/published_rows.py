"""Datasets published from given rows."""

from pathlib import Path

from rl_assets.datasets.builders import Built
from rl_assets.datasets.folder import Dataset, publish_dataset
from rl_assets.datasets.policies import SftPolicy
from rl_assets.datasets.suites import DPO, SFT
from rl_assets_tests.support.dataset_tables import Row, connected
from rl_assets_tests.support.logs import DAY


def publish_rows(root: Path, rows: list[Row], name: str = "sft_dataset") -> Dataset:
    suite = {"sft_dataset": SFT, "dpo_dataset": DPO}[name]
    built = Built(candidates=len(rows) + 2, selected=len(rows), dropped={"error": 2})
    inputs = {"rated_interactions": {str(DAY): "abc"}}
    return publish_dataset(connected(rows, name), root / name / str(DAY), built, SftPolicy(), suite, inputs)
