"""Datasets as of each day, one asset each. Building, auditing and publishing is `rl_assets.datasets`.

Datasets of documentation lie with their concept.
"""

import dagster as dg

from rl_assets.datasets import suites
from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, KtoPolicy, RewardPolicy, SftPolicy
from rl_assets.defs.datasets.dataset_runs import dataset_asset, materialize
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import Results


class SftDatasetConfig(dg.Config, SftPolicy):
    """One best answer per prompt."""


class DpoDatasetConfig(dg.Config, DpoPolicy):
    """Pairs of answers to one prompt."""


class RewardDatasetConfig(dg.Config, RewardPolicy):
    """Pairs for a reward model."""


class KtoDatasetConfig(dg.Config, KtoPolicy):
    """Single good and bad answers."""


class GrpoDatasetConfig(dg.Config, GrpoPolicy):
    """Groups of answers to one prompt."""


@dataset_asset("sft_dataset", suites.SFT, [rated_interactions, "teacher_answers", "synthetic_feedback"])
def sft_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: SftDatasetConfig) -> Results:
    """The best answer to each prompt, as chat messages for supervised fine-tuning."""
    yield from materialize(context, home, build_sft, config, suites.SFT)


@dataset_asset("dpo_dataset", suites.DPO, [rated_interactions, "judge_preferences", "synthetic_feedback"])
def dpo_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: DpoDatasetConfig) -> Results:
    """Pairs of answers to one prompt of which one was clearly better, for preference optimisation."""
    yield from materialize(context, home, build_pairs, config, suites.DPO)


@dataset_asset("reward_dataset", suites.REWARD, [rated_interactions, "judge_preferences", "synthetic_feedback"])
def reward_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: RewardDatasetConfig) -> Results:
    """Pairs of answers to one prompt of which one was better, if only a little, for training a reward model."""
    yield from materialize(context, home, build_pairs, config, suites.REWARD)


@dataset_asset("kto_dataset", suites.KTO, [rated_interactions, "synthetic_feedback"])
def kto_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: KtoDatasetConfig) -> Results:
    """Single answers that were good or bad, for Kahneman-Tversky optimisation: thumbs need no partner."""
    yield from materialize(context, home, build_kto, config, suites.KTO)


@dataset_asset("grpo_dataset", suites.GRPO, [rated_interactions, "ruler_groups", "synthetic_feedback"])
def grpo_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: GrpoDatasetConfig) -> Results:
    """Groups of answers to one prompt with their rewards, for group-relative optimisation."""
    yield from materialize(context, home, build_grpo, config, suites.GRPO)
