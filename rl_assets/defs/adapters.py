"""Base model and adapters. Training is `rl_assets.training`; here are the assets, their pool and their checks."""

from collections.abc import Callable, Iterator

import dagster as dg

from rl_assets.defs.datasets import dpo_dataset, sft_dataset
from rl_assets.defs.metadata import adapter_metadata
from rl_assets.defs.partitions import days
from rl_assets.defs.resources import HomeResource
from rl_assets.training.adapters import Adapter, newest_adapter
from rl_assets.training.base_models import ensure_base_model
from rl_assets.training.dpo import train_dpo
from rl_assets.training.recipes import Recipe, preset, recipe_warnings
from rl_assets.training.rows import NotEnoughRows
from rl_assets.training.sft import train_sft

OWNERS = ["team:models"]
# One training step at a time holds the accelerator, in whatever run; the pool is on the asset because a job's executor
# and limits do not reach launches from the UI, backfills or automation.
GPU = "gpu"
SFT_CHECKS = {
    "end_of_turn_is_trained": "In every row the loss covers the end of the answer's turn.",
    "loss_fell": "The loss of the last tenth of the steps is below that of the first.",
    "weights_reload": "The adapter read back from disk has the weights that were trained.",
}
DPO_CHECKS = {
    "end_of_turn_is_trained": SFT_CHECKS["end_of_turn_is_trained"],
    "step0_loss": "Before any update the loss is ln 2, so the reference is the parent adapter.",
    "step0_margin": "Before any update the implicit reward margin is 0.",
    "chosen_log_probability": "The chosen answers did not lose more than 0.1 nat a token.",
    "weights_reload": SFT_CHECKS["weights_reload"],
}
Results = Iterator[dg.AssetCheckResult | dg.MaterializeResult]


class TrainingConfig(dg.Config):
    """What may be chosen at launch; everything else is the recipe."""

    recipe: str | None = None
    seed: int | None = None

    def resolve(self, home: HomeResource) -> Recipe:
        """The named recipe, or the deployment's, with the seed given here."""
        recipe = preset(self.recipe or home.recipe)
        return recipe if self.seed is None else recipe.model_copy(update={"seed": self.seed})


def _checks(asset: str, sentences: dict[str, str]) -> list[dg.AssetCheckSpec]:
    return [dg.AssetCheckSpec(name, asset=asset, description=sentence) for name, sentence in sentences.items()]


@dg.asset(group_name="adapters", kinds={"huggingface", "pytorch"}, owners=OWNERS, pool=GPU)
def base_model(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """The model that adapters are trained on. The embedded `tiny` is built once, and is good at nothing but the demo."""
    base = ensure_base_model(home.base_model, home.folder / "models", context.log.info)
    metadata = {"name": base.name, "dagster/uri": base.path, "sha256": base.sha256}
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(base.sha256))


@dg.asset(
    partitions_def=days,
    deps=[base_model, sft_dataset],
    check_specs=_checks("sft_adapter", SFT_CHECKS),
    output_required=False,
    group_name="adapters",
    kinds={"huggingface", "pytorch"},
    owners=OWNERS,
    pool=GPU,
)
def sft_adapter(context: dg.AssetExecutionContext, home: HomeResource, config: TrainingConfig) -> Results:
    """A LoRA adapter that answers as the best logged answers do. Skipped, with the reason, where rows are too few."""
    day, recipe, log = context.partition_key, config.resolve(home), context.log.info
    base = ensure_base_model(home.base_model, home.folder / "models", log)

    def train() -> Adapter:
        return train_sft(home.dataset("sft_dataset", day), day, base, recipe, home.folder / "adapters", log)

    yield from _materialize(context, recipe, train, SFT_CHECKS)


@dg.asset(
    partitions_def=days,
    deps=[base_model, dpo_dataset, sft_adapter],
    check_specs=_checks("dpo_adapter", DPO_CHECKS),
    output_required=False,
    group_name="adapters",
    kinds={"huggingface", "pytorch"},
    owners=OWNERS,
    pool=GPU,
)
def dpo_adapter(context: dg.AssetExecutionContext, home: HomeResource, config: TrainingConfig) -> Results:
    """The SFT adapter, trained further to prefer the better answers; the SFT adapter is its reference."""
    day, recipe, log = context.partition_key, config.resolve(home), context.log.info
    base, adapters = ensure_base_model(home.base_model, home.folder / "models", log), home.folder / "adapters"
    parent = newest_adapter(adapters, "sft", day)
    if parent is None:
        raise dg.Failure(f"{day} has no SFT adapter; materialize sft_adapter first", allow_retries=False)

    def train() -> Adapter:
        return train_dpo(home.dataset("dpo_dataset", day), day, base, parent, recipe, adapters, log)

    yield from _materialize(context, recipe, train, DPO_CHECKS)


def _materialize(
    context: dg.AssetExecutionContext, recipe: Recipe, train: Callable[[], Adapter], checks: dict[str, str]
) -> Results:
    """Train, or say why not: with too few rows nothing is materialized, what lies below is skipped, and the run ends well."""
    for warning in recipe_warnings(recipe):
        context.log.warning(warning)
    try:
        adapter = train()
    except NotEnoughRows as reason:
        context.log.warning(f"{context.asset_key.to_user_string()} is skipped: {reason}")
        context.log_event(
            dg.AssetObservation(context.asset_key, partition=context.partition_key, metadata={"skipped": str(reason)})
        )
        yield from (_not_run(name, str(reason)) for name in checks)
        return
    yield dg.MaterializeResult(
        metadata=adapter_metadata(adapter),
        data_version=dg.DataVersion(adapter.sha256),
        check_results=[_check_result(check) for check in adapter.manifest["checks"].values()],
    )


def _not_run(name: str, reason: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name, passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"not_run": reason}
    )


def _check_result(check: dict) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check["name"],
        passed=check["passed"],
        severity=dg.AssetCheckSeverity.WARN if check["severity"] == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata={"value": check["value"], "limit": check["limit"]},
    )
