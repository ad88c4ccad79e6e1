"""Datasets as of each day, one asset each. Building, auditing and publishing is `rl_assets.datasets`."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from rl_assets.datasets import expectations
from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.folder import BUILDER_VERSION
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, KtoPolicy, RewardPolicy, SftPolicy
from rl_assets.defs.dataset_runs import Results, materialize
from rl_assets.defs.ingest import OWNERS
from rl_assets.defs.partitions import days, one_run
from rl_assets.defs.ratings import rated_interactions
from rl_assets.defs.resources import HomeResource


class SftDatasetConfig(dg.Config, SftPolicy):
    """One best answer a prompt."""


class DpoDatasetConfig(dg.Config, DpoPolicy):
    """Pairs of answers to one prompt."""


class RewardDatasetConfig(dg.Config, RewardPolicy):
    """Pairs for a reward model."""


class KtoDatasetConfig(dg.Config, KtoPolicy):
    """Single good and bad answers."""


class GrpoDatasetConfig(dg.Config, GrpoPolicy):
    """Groups of answers to one prompt."""


def _dataset(name: str, suite: Sequence[Expectation]) -> dict[str, Any]:
    """What all dataset assets share, and a check for each expectation."""
    return {
        "partitions_def": days,
        "backfill_policy": one_run,
        "deps": [rated_interactions],
        "check_specs": [
            dg.AssetCheckSpec(item.name, asset=name, description=item.sentence, blocking=item.blocking)
            for item in suite
        ],
        "code_version": BUILDER_VERSION,
        "group_name": "datasets",
        "kinds": {"duckdb", "parquet", "huggingface"},
        "owners": OWNERS,
    }


@dg.asset(**_dataset("sft_dataset", expectations.SFT))
def sft_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: SftDatasetConfig) -> Results:
    """The best answer to each prompt, as chat messages for supervised fine-tuning."""
    yield from materialize(context, home, build_sft, config, expectations.SFT)


@dg.asset(**_dataset("dpo_dataset", expectations.DPO))
def dpo_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: DpoDatasetConfig) -> Results:
    """Pairs of answers to one prompt of which one was clearly better, for preference optimisation."""
    yield from materialize(context, home, build_pairs, config, expectations.DPO)


@dg.asset(**_dataset("reward_dataset", expectations.REWARD))
def reward_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: RewardDatasetConfig) -> Results:
    """Pairs of answers to one prompt of which one was better, if only a little, for training a reward model."""
    yield from materialize(context, home, build_pairs, config, expectations.REWARD)


@dg.asset(**_dataset("kto_dataset", expectations.KTO))
def kto_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: KtoDatasetConfig) -> Results:
    """Single answers that were good or bad, for Kahneman-Tversky optimisation: thumbs need no partner."""
    yield from materialize(context, home, build_kto, config, expectations.KTO)


@dg.asset(**_dataset("grpo_dataset", expectations.GRPO))
def grpo_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: GrpoDatasetConfig) -> Results:
    """Groups of answers to one prompt with their rewards, for group-relative optimisation."""
    yield from materialize(context, home, build_grpo, config, expectations.GRPO)
