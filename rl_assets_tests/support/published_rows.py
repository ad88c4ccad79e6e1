"""Datasets published from given rows."""

from pathlib import Path

from rl_assets.datasets.builders import Built
from rl_assets.datasets.folder import Dataset, publish_dataset
from rl_assets.datasets.policies import SftPolicy
from rl_assets.datasets.suites import DPO, GRPO, KTO, REWARD, SFT
from rl_assets_tests.support.dataset_tables import Row, connected
from rl_assets_tests.support.logs import DAY

SUITES = {"sft_dataset": SFT, "dpo_dataset": DPO, "reward_dataset": REWARD, "kto_dataset": KTO, "grpo_dataset": GRPO}


def publish_rows(
    root: Path, rows: list[Row], name: str = "sft_dataset", metrics: dict[str, float | None] | None = None
) -> Dataset:
    built = Built(candidates=len(rows) + 2, selected=len(rows), dropped={"error": 2}, metrics=metrics or {})
    inputs = {"rated_interactions": {str(DAY): "abc"}}
    return publish_dataset(connected(rows, name), root / name / str(DAY), built, SftPolicy(), SUITES[name], inputs)
