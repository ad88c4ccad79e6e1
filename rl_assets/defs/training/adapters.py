"""Base model, SFT and DPO adapters: what every nightly run trains. Training itself is `rl_assets.training`.

Adapters that no job trains are in `offline_adapters`, those of segments and of documentation with their concepts.
"""

import dagster as dg

from rl_assets.defs.datasets.datasets import dpo_dataset, sft_dataset
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.training_runs import (
    GPU,
    GPU_STEP,
    Results,
    StageConfig,
    TrainingStage,
    train_adapter,
    training_asset,
)
from rl_assets.models.base_models import ensure_base_model, unfit_base

# What every training answers.
ALL_CHECKS = {
    "learning_rate_fits": "The learning rate is at most ten times a usual one for LoRA on a base model of this width.",
    "chat_template_serves_rows": "Every row is trained as it will be served: the base model's chat template refuses "
    "none, no text holds its control tokens, and the served prompt begins the text that is trained. Others are dropped "
    "and counted, or kept if the recipe's `chat_template` says so.",
    "adapter_size": "The adapter's file holds the matrices that the recipe trains and nothing else.",
}
SFT_CHECKS = ALL_CHECKS | {
    "end_of_turn_is_trained": "In every row the loss covers the end of the answer's turn.",
    "loss_fell": "The loss of the last tenth of the steps is below that of the first.",
    "weights_reload": "The adapter read back from disk has the weights that were trained.",
    "merged_model": "Merged into the base in 16 or 32 bits, as it is deployed, the adapter gives the same "
    "probabilities as apart from it (KL at most 0.001 nats per token).",
    "quantized_base": "If the recipe quantizes the base: merged into the unquantized one, the adapter is nearer to the "
    "model that was trained than the base alone is (KL in nats per token), so rounding does not outweigh what was "
    "learned.",
}
DPO_CHECKS = ALL_CHECKS | {
    "end_of_turn_is_trained": SFT_CHECKS["end_of_turn_is_trained"],
    "step0_loss": "Before any update the loss is ln 2, so the reference is the parent adapter.",
    "step0_margin": "Before any update the implicit reward margin is 0.",
    "chosen_log_probability": "The chosen answers did not lose more than 0.1 nats per token.",
    "weights_reload": SFT_CHECKS["weights_reload"],
    "merged_model": SFT_CHECKS["merged_model"],
    "quantized_base": SFT_CHECKS["quantized_base"],
}
SFT = TrainingStage("sft", "sft_dataset", SFT_CHECKS)
DPO = TrainingStage("dpo", "dpo_dataset", DPO_CHECKS, parent="sft")


class SftConfig(StageConfig):
    """Values that win over the recipe's `sft` stage."""


class DpoConfig(StageConfig):
    """Values that win over the recipe's `dpo` stage."""

    beta: float | None = None


@dg.asset(
    check_specs=[
        dg.AssetCheckSpec(
            "is_a_model_to_use",
            asset="base_model",
            description="The base model is more than the demo's, or this is the demo.",
        )
    ],
    group_name="adapters",
    kinds={"huggingface", "pytorch"},
    owners=MODEL_TEAM,
    pool=GPU,
    op_tags=GPU_STEP,
)
def base_model(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """The model that adapters are trained on. The embedded `tiny` is built once, and useful for the demo only."""
    base = ensure_base_model(home.base_model, home.paths.models, context.log.info)
    metadata = {"name": base.name, "dagster/uri": base.path, "sha256": base.sha256}
    unfit = unfit_base(home.base_model, home.recipe)
    to_use = dg.AssetCheckResult(
        check_name="is_a_model_to_use",
        passed=unfit is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=unfit,
        metadata={"result": unfit or "nothing speaks against it"},
    )
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(base.sha256), check_results=[to_use])


@training_asset("sft_adapter", SFT, [base_model, sft_dataset])
def sft_adapter(context: dg.AssetExecutionContext, home: HomeResource, config: SftConfig) -> Results:
    """A LoRA adapter that imitates the best answers of the logs. Skipped, with the reason, if rows are too few."""
    yield from train_adapter(context, home, SFT, config.resolve_stage(home, "sft"))


@training_asset("dpo_adapter", DPO, [base_model, dpo_dataset, sft_adapter])
def dpo_adapter(context: dg.AssetExecutionContext, home: HomeResource, config: DpoConfig) -> Results:
    """The SFT adapter, trained further to prefer the better answers; the SFT adapter is its reference."""
    yield from train_adapter(context, home, DPO, config.resolve_stage(home, "dpo"))
