"""What all training assets share: their pool, tags and configuration, how they train, and how a run of one ends."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from rl_assets.defs.shared.metadata import adapter_metadata
from rl_assets.defs.shared.op_tags import gpu_step
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.models.adapters import Adapter, newest_adapter
from rl_assets.models.base_models import ensure_base_model
from rl_assets.models.loading import WrongBaseModelError
from rl_assets.models.runtime import whereabouts
from rl_assets.recipes.recipe import Recipe, adjusted, named_recipe, recipe_warnings
from rl_assets.settings import load_settings
from rl_assets.training.data.rows import NotEnoughRows, UntrainableRows
from rl_assets.training.runner.processes import train
from rl_assets.training.runner.progress import TrainingDiverged
from rl_assets.training.runner.request import Kind, Request
from rl_assets.training.trainers.dpo import WrongReferenceError

# One training step at a time holds the accelerator, in whatever run; the pool is on the asset because a job's executor
# and limits do not reach launches from the UI, backfills or automation.
GPU = "gpu"
GPU_STEP = gpu_step(load_settings().gpus)
# A step whose process or machine died goes on from its last checkpoint. What is wrong with the data stays wrong.
AGAIN = dg.RetryPolicy(max_retries=2)
HOPELESS = (UntrainableRows, WrongBaseModelError, WrongReferenceError, TrainingDiverged)
Results = Iterator[dg.AssetCheckResult | dg.MaterializeResult]


class TrainingConfig(dg.Config):
    """What may be chosen at launch; everything else is the recipe."""

    recipe: str | None = None
    seed: int | None = None

    def resolve(self, home: HomeResource) -> Recipe:
        """The named recipe, or the deployment's, with the seed given here."""
        recipe = named_recipe(self.recipe or home.recipe)
        return recipe if self.seed is None else adjusted(recipe, {"seed": self.seed})


class StageConfig(TrainingConfig):
    """Values of the asset's own stage that win over the recipe's."""

    learning_rate: float | None = None
    epochs: float | None = None
    max_steps: int | None = None

    def resolve_stage(self, home: HomeResource, stage: str) -> Recipe:
        """The recipe with the values given here; pydantic's ValidationError where they are not possible."""
        chosen = self.model_dump(exclude={"recipe", "seed"}, exclude_none=True)
        return adjusted(self.resolve(home), {stage: chosen})


def training_asset(name: str, checks: dict[str, str], group: str = "adapters") -> dict[str, Any]:
    """What the decorators of adapter assets share."""
    return {
        "partitions_def": days,
        "check_specs": [dg.AssetCheckSpec(check, asset=name, description=text) for check, text in checks.items()],
        "output_required": False,
        "group_name": group,
        "kinds": {"huggingface", "pytorch"},
        "owners": MODEL_TEAM,
        "pool": GPU,
        "op_tags": GPU_STEP,
        "retry_policy": AGAIN,
    }


def train_stage(
    context: dg.AssetExecutionContext,
    home: HomeResource,
    recipe: Recipe,
    kind: Kind,
    checks: dict[str, str],
    parent: str | None = None,
    segment: str | None = None,
    dataset: str | None = None,
) -> Results:
    """Train the day's adapter of that kind on `dataset` (`<kind>_dataset`); it continues that of the kind `parent`.

    A segment's adapters lie, and find their parents, in a folder of its own. The recipe's filters choose its rows.
    """
    day, log = context.partition_key, context.log.info
    log(f"{kind}: {whereabouts()}")
    adapters = home.paths.adapters(segment)
    request = Request(
        kind,
        home.paths.datasets(dataset or f"{kind}_dataset", day),
        day,
        ensure_base_model(home.base_model, home.paths.models, log),
        recipe,
        adapters,
        parent_adapter(adapters, parent, day) if parent else None,
        newest_adapter(adapters, "reward", day) if kind == "grpo" else None,
    )
    yield from materialize_adapter(context, recipe, lambda: train(request, log), checks)


def parent_adapter(adapters: Path, kind: str, day: str) -> Adapter:
    """The day's adapter of that kind; a failure that no retry mends where there is none."""
    parent = newest_adapter(adapters, kind, day)
    if parent is None:
        raise dg.Failure(f"{day} has no {kind.upper()} adapter; materialize {kind}_adapter first", allow_retries=False)
    return parent


def materialize_adapter(
    context: dg.AssetExecutionContext, recipe: Recipe, train: Callable[[], Adapter], checks: dict[str, str]
) -> Results:
    """Train, or say why not: with too few rows nothing is materialized, all below is skipped, and the run ends well."""
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
    except HOPELESS as error:
        raise dg.Failure(str(error), allow_retries=False) from error
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
