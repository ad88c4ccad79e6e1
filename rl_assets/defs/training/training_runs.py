"""What all training assets share: a value that says what each trains, configuration, pool, tags, and how a run ends.

No asset here, and no training: that is `rl_assets.training`, which is handed one `TrainingJob`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from rl_assets.defs.shared.metadata import SHOWN_HASH
from rl_assets.defs.shared.op_tags import gpu_step
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import day_check, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import AssetDecorator
from rl_assets.evaluation.report.inline_plots import sparkline
from rl_assets.models.adapters import Adapter, Check, newest_adapter
from rl_assets.models.base_models import ensure_base_model
from rl_assets.models.loading import WrongBaseModelError
from rl_assets.models.runtime import describe_host
from rl_assets.recipes.recipe import Recipe, adjusted, named_recipe, recipe_warnings
from rl_assets.settings import load_settings
from rl_assets.training.errors import NotEnoughRows, TrainingDiverged, TrainingRefused
from rl_assets.training.job import Kind, TrainingJob
from rl_assets.training.train import train

# One training step at a time uses the accelerator, over all runs. The pool is on the asset because a job's executor
# and limits do not reach launches from the UI, backfills or automation.
GPU = "gpu"
GPU_STEP = gpu_step(load_settings().gpus)
# A step whose process or machine died resumes from its last checkpoint. A fault of the data is permanent.
RETRY = dg.RetryPolicy(max_retries=2)
PERMANENT = (TrainingRefused, WrongBaseModelError, TrainingDiverged)
Results = Iterator[dg.AssetCheckResult | dg.MaterializeResult]


class TrainingConfig(dg.Config):
    """What the launchpad may set; everything else is in the recipe."""

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
        """The recipe with the values given here; pydantic's ValidationError if they are invalid."""
        # No value of the recipe: some configurations also name the base model.
        chosen = self.model_dump(exclude={"recipe", "seed", "model"}, exclude_none=True)
        return adjusted(self.resolve(home), {stage: chosen})


@dataclass(frozen=True)
class TrainingStage:
    """What an asset trains, whatever the day: the kind of adapter, the dataset that it learns from, its checks (names
    with what each states), and the kind of the adapter that it continues.

    A segment's adapters lie, and find their parents, in a folder of its own. The base is the deployment's unless named.
    """

    kind: Kind
    dataset: str
    checks: Mapping[str, str]
    parent: str | None = None
    segment: str | None = None
    base_model: str | None = None

    def make_job(self, home: HomeResource, day: str, recipe: Recipe, log: Callable[[str], None]) -> TrainingJob:
        """The training of one day, by a recipe whose filters select its rows."""
        adapters = home.paths.adapters(self.segment)
        return TrainingJob(
            kind=self.kind,
            dataset=home.paths.datasets(self.dataset, day),
            day=day,
            base=ensure_base_model(self.base_model or home.base_model, home.paths.models, log),
            recipe=recipe,
            adapters=adapters,
            parent=required_adapter(adapters, self.parent, day) if self.parent else None,
            reward_model=newest_adapter(adapters, "reward", day) if self.kind == "grpo" else None,
        )


def training_asset(
    name: str,
    stage: TrainingStage,
    deps: Iterable[Any],
    *,
    group: str = "adapters",
    description: str | None = None,
) -> AssetDecorator:
    """`dg.asset` for an adapter per day; the description is the function's docstring unless given."""
    return dg.asset(
        name=name,
        description=description,
        partitions_def=days,
        deps=list(deps),
        check_specs=[day_check(check, name, text) for check, text in stage.checks.items()],
        output_required=False,
        group_name=group,
        kinds={"huggingface", "pytorch"},
        owners=MODEL_TEAM,
        pool=GPU,
        op_tags=GPU_STEP,
        retry_policy=RETRY,
    )


def required_adapter(adapters: Path, kind: str, day: str) -> Adapter:
    """The day's adapter of that kind; a failure that no retry fixes if there is none."""
    adapter = newest_adapter(adapters, kind, day)
    if adapter is None:
        raise dg.Failure(f"{day} has no {kind.upper()} adapter; materialize {kind}_adapter first", allow_retries=False)
    return adapter


def train_adapter(
    context: dg.AssetExecutionContext, home: HomeResource, stage: TrainingStage, recipe: Recipe
) -> Results:
    """Train the day's adapter, or say why not: with too few rows nothing is materialized, everything downstream is
    skipped, and the run succeeds. A check that stopped the training is reported red before the run fails.
    """
    context.log.info(f"{stage.kind}: {describe_host()}")
    job = stage.make_job(home, context.partition_key, recipe, context.log.info)
    for warning in recipe_warnings(recipe):
        context.log.warning(warning)
    try:
        adapter = train(job, context.log.info)
    except NotEnoughRows as reason:
        yield from _skipped(context, stage, str(reason))
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


def _skipped(context: dg.AssetExecutionContext, stage: TrainingStage, reason: str) -> Iterator[dg.AssetCheckResult]:
    """Show the reason on the asset's page, in the log and at each check."""
    context.log.warning(f"{context.asset_key.to_user_string()} is skipped: {reason}")
    skipped = dg.AssetObservation(context.asset_key, partition=context.partition_key, metadata={"skipped": reason})
    context.log_event(skipped)
    for name in stage.checks:
        yield dg.AssetCheckResult(
            check_name=name, passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"not_run": reason}
        )


def _check_result(check: Check) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check.name,
        passed=check.passed,
        severity=dg.AssetCheckSeverity.WARN if check.severity == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata={"value": check.value, "limit": check.limit},
    )


def adapter_metadata(adapter: Adapter) -> dict[str, Any]:
    """What the asset's page shows: the adapter's folder, how it was trained, and its loss curve."""
    manifest = adapter.manifest
    losses = [loss for _, loss, *_ in manifest.loss_curve]
    return {
        "dagster/uri": str(adapter.folder),
        "weights": adapter.sha256[:SHOWN_HASH],
        "trained_in_this_run": adapter.trained,
        "loss_curve": dg.MetadataValue.md(sparkline(losses)),
        "final_loss": losses[-1],
        "rows": manifest.dataset.used,
        "rows_dropped": manifest.dataset.dropped,
        "dataset": manifest.dataset.sha256[:SHOWN_HASH],
        **manifest.model_dump(include={"steps", "tokens", "wall_s", "peak_memory_bytes", "seed"}),
        "recipe": manifest.recipe,
    }
