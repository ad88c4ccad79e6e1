"""What all training assets share: their pool, tags and configuration, how they train, and how a run of one ends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from rl_assets.defs.shared.metadata import adapter_metadata
from rl_assets.defs.shared.op_tags import gpu_step
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.models.adapters import Adapter, Check, newest_adapter
from rl_assets.models.base_models import ensure_base_model
from rl_assets.models.loading import WrongBaseModelError
from rl_assets.models.runtime import describe_host
from rl_assets.recipes.recipe import Recipe, adjusted, named_recipe, recipe_warnings
from rl_assets.settings import load_settings
from rl_assets.training.errors import NotEnoughRows, TrainingDiverged, TrainingRefused
from rl_assets.training.job import Kind, TrainingJob
from rl_assets.training.train import train

# One training step at a time holds the accelerator, in whatever run; the pool is on the asset because a job's executor
# and limits do not reach launches from the UI, backfills or automation.
GPU = "gpu"
GPU_STEP = gpu_step(load_settings().gpus)
# A step whose process or machine died resumes from its last checkpoint. What is wrong with the data stays wrong.
RETRY = dg.RetryPolicy(max_retries=2)
PERMANENT = (TrainingRefused, WrongBaseModelError, TrainingDiverged)
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
    num_train_epochs: float | None = None
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
        "retry_policy": RETRY,
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
    log(f"{kind}: {describe_host()}")
    adapters = home.paths.adapters(segment)
    job = TrainingJob(
        kind=kind,
        dataset=home.paths.datasets(dataset or f"{kind}_dataset", day),
        day=day,
        base=ensure_base_model(home.base_model, home.paths.models, log),
        recipe=recipe,
        adapters=adapters,
        parent=parent_adapter(adapters, parent, day) if parent else None,
        reward_model=newest_adapter(adapters, "reward", day) if kind == "grpo" else None,
    )
    yield from materialize_adapter(context, job, checks)


def parent_adapter(adapters: Path, kind: str, day: str) -> Adapter:
    """The day's adapter of that kind; a failure that no retry fixes if there is none."""
    parent = newest_adapter(adapters, kind, day)
    if parent is None:
        raise dg.Failure(f"{day} has no {kind.upper()} adapter; materialize {kind}_adapter first", allow_retries=False)
    return parent


def materialize_adapter(context: dg.AssetExecutionContext, job: TrainingJob, checks: dict[str, str]) -> Results:
    """Train, or say why not: with too few rows nothing is materialized, everything downstream is skipped, and the run
    succeeds. A check that stopped the training is reported red before the run fails.
    """
    for warning in recipe_warnings(job.recipe):
        context.log.warning(warning)
    try:
        adapter = train(job, context.log.info)
    except NotEnoughRows as reason:
        context.log.warning(f"{context.asset_key.to_user_string()} is skipped: {reason}")
        context.log_event(
            dg.AssetObservation(context.asset_key, partition=context.partition_key, metadata={"skipped": str(reason)})
        )
        yield from (_not_run(name, str(reason)) for name in checks)
        return
    except PERMANENT as error:
        if isinstance(error, TrainingRefused) and error.check:
            yield _check_result(error.check)
        raise dg.Failure(str(error), allow_retries=False) from error
    yield dg.MaterializeResult(
        metadata=adapter_metadata(adapter),
        data_version=dg.DataVersion(adapter.sha256),
        check_results=[_check_result(check) for check in adapter.manifest.checks.values()],
    )


def _not_run(name: str, reason: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name, passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"not_run": reason}
    )


def _check_result(check: Check) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check.name,
        passed=check.passed,
        severity=dg.AssetCheckSeverity.WARN if check.severity == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata={"value": check.value, "limit": check.limit},
    )
