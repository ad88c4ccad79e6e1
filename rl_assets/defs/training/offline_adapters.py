"""Reward model, KTO, GRPO and PPO adapters: no job trains them, so select them by name.

They share stages and checks with `adapters`; training itself is `rl_assets.training`.
"""

from dataclasses import replace

import dagster as dg

from rl_assets.defs.datasets.datasets import grpo_dataset, kto_dataset, reward_dataset
from rl_assets.defs.shared.permanent_errors import without_retries
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.adapters import ALL_CHECKS, SFT_CHECKS, base_model, dpo_adapter, sft_adapter
from rl_assets.defs.training.training_runs import (
    Results,
    StageConfig,
    TrainingConfig,
    TrainingStage,
    train_adapter,
    training_asset,
)
from rl_assets.models.adapters import SECOND_REWARD_MODEL
from rl_assets.recipes.recipe import Recipe, adjusted

GROUP = "offline_adapters"
COMMON = ALL_CHECKS | {
    name: SFT_CHECKS[name] for name in ("end_of_turn_is_trained", "weights_reload", "merged_model", "quantized_base")
}
NOT_GAMED = (
    "By a metric that the reward never saw, its greedy answers to 40 or more prompts of the validation split are not "
    "worse than the parent's (upper end of the paired 95 % interval), nor are those with higher learned rewards."
)
GRPO_CHECKS = COMMON | {
    "better_answers_gained": "Better answers, or the rewards of its own answers, gained over the run.",
    "reward_is_not_gamed": NOT_GAMED,
}
PPO_CHECKS = COMMON | {
    "first_ratio_is_one": "Before any update the policy is the one that answered: no ratio of the first mini-batch is "
    "further from 1 than 0.0001 (in 16 bits 0.02).",
    "reference_is_parent": "Before any update the policy does not differ from its reference, so that is the parent.",
    "reward_rose": "The mean reward of the last tenth of the rollouts is above that of the first.",
    "kl_is_bounded": "The KL to the parent in the last tenth is at most twice its target, and that of no "
    "rollout is negative.",
    "critic_explains": "The critic explains a part of the variance of the returns in the last tenth.",
    "answers_end": "In the last tenth 95 % of the answers end, and are half to twice as long as the parent's.",
    "reward_is_not_gamed": NOT_GAMED,
}
KTO_CHECKS = COMMON | {"step0_loss": "The first loss is half its rows' mean weight, so the reference is the parent."}
REWARD_CHECKS = ALL_CHECKS | {
    "loss_fell": SFT_CHECKS["loss_fell"],
    "weights_reload": SFT_CHECKS["weights_reload"],
    "beats_longer_wins": "On held-out pairs it is right more often than preferring the longer or the shorter answer, "
    "whichever its training pairs say: the lower bound of the paired 95 % interval is above 0.",
}
GRPO = TrainingStage("grpo", "grpo_dataset", GRPO_CHECKS, parent="sft")
PPO = TrainingStage("ppo", "grpo_dataset", PPO_CHECKS, parent="sft")
KTO = TrainingStage("kto", "kto_dataset", KTO_CHECKS, parent="sft")
REWARD = TrainingStage("reward", "reward_dataset", REWARD_CHECKS)
# In a folder of its own, where the day's reward model of the product is not looked for.
SECOND_REWARD = replace(REWARD, segment=SECOND_REWARD_MODEL)


class GrpoConfig(StageConfig):
    """Values that win over the recipe's `grpo` stage."""

    method: str | None = None
    parent: str | None = None
    reward_funcs: list[str] | None = None
    beta: float | None = None


class PpoConfig(TrainingConfig):
    """Values that win over the recipe's `ppo` stage."""

    parent: str | None = None
    learning_rate: float | None = None
    critic_learning_rate: float | None = None
    rollouts: int | None = None
    reward_funcs: list[str] | None = None
    reward_weights: list[float] | None = None
    beta: float | None = None
    target_kl: float | None = None
    kl_gain: float | None = None

    def resolve_stage(self, home: HomeResource) -> Recipe:
        """The recipe with the values given here; a failure without retries if they are invalid."""
        chosen = self.model_dump(exclude={"recipe", "seed"}, exclude_none=True)
        with without_retries():
            return adjusted(self.resolve(home), {"ppo": chosen})


class KtoConfig(StageConfig):
    """Values that win over the recipe's `kto` stage."""

    beta: float | None = None


class RewardConfig(StageConfig):
    """Values that win over the recipe's `reward` stage."""


@training_asset("reward_model", REWARD, [base_model, reward_dataset], group=GROUP)
def reward_model(context: dg.AssetExecutionContext, home: HomeResource, config: RewardConfig) -> Results:
    """A LoRA sequence classifier that gives the better of two answers the higher reward."""
    yield from train_adapter(context, home, REWARD, config.resolve_stage(home, "reward"))


@training_asset("second_reward_model", SECOND_REWARD, [base_model, reward_dataset], group=GROUP)
def second_reward_model(context: dg.AssetExecutionContext, home: HomeResource, config: RewardConfig) -> Results:
    """A reward model of another seed on the half of the pairs that `reward_model` did not learn from."""
    recipe = config.resolve_stage(home, "reward")
    if recipe.reward.half != "first":
        raise dg.Failure(
            f"The recipe {recipe.name} leaves no pairs to a second reward model: set `half: first` in its `reward`, "
            "and materialize reward_model again.",
            allow_retries=False,
        )
    other = adjusted(recipe, {"seed": recipe.seed + 1, "reward": {"half": "second"}})
    yield from train_adapter(context, home, SECOND_REWARD, other)


@training_asset("kto_adapter", KTO, [base_model, kto_dataset, sft_adapter], group=GROUP)
def kto_adapter(context: dg.AssetExecutionContext, home: HomeResource, config: KtoConfig) -> Results:
    """The SFT adapter, trained further on single good and bad answers; the SFT adapter is its reference."""
    yield from train_adapter(context, home, KTO, config.resolve_stage(home, "kto"))


@training_asset("grpo_adapter", GRPO, [base_model, grpo_dataset, sft_adapter, dpo_adapter, reward_model], group=GROUP)
def grpo_adapter(context: dg.AssetExecutionContext, home: HomeResource, config: GrpoConfig) -> Results:
    """Its parent, trained further on groups of answers: by RAFT, AWR, or GRPO offline or online."""
    recipe = config.resolve_stage(home, "grpo")
    yield from train_adapter(context, home, replace(GRPO, parent=recipe.grpo.parent), recipe)


@training_asset("ppo_adapter", PPO, [base_model, grpo_dataset, sft_adapter, dpo_adapter, reward_model], group=GROUP)
def ppo_adapter(context: dg.AssetExecutionContext, home: HomeResource, config: PpoConfig) -> Results:
    """Its parent, trained further on answers of its own by PPO: a critic says which tokens earned the rewards."""
    recipe = config.resolve_stage(home)
    yield from train_adapter(context, home, replace(PPO, parent=recipe.ppo.parent), recipe)
