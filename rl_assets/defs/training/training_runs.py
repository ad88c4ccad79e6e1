"""What all training assets share: a value that says what each trains, configuration, pool, tags, and how a run ends.

No asset here, and no training: that is `rl_assets.training`, which is handed one `TrainingJob`.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from rl_assets.defs.shared.metadata import SHOWN_HASH
from rl_assets.defs.shared.op_tags import gpu_step
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import day_check, days
from rl_assets.defs.shared.permanent_errors import without_retries
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import AssetDecorator
from rl_assets.evaluation.report.inline_plots import sparkline
from rl_assets.models.adapters import Adapter, Check, newest_adapter
from rl_assets.models.base_facts import facts_of
from rl_assets.models.base_models import ensure_base_model
from rl_assets.models.runtime import describe_host
from rl_assets.recipes.fit import recipe_warnings
from rl_assets.recipes.recipe import Recipe, adjusted, named_recipe
from rl_assets.settings import load_settings
from rl_assets.training.errors import PERMANENT, REMEDIES, TOO_LONG, NoSignal, NotEnoughRows, TrainingRefused
from rl_assets.training.job import Kind, TrainingJob
from rl_assets.training.train import train

# One training step at a time uses the accelerator, over all runs. The pool is on the asset because a job's executor
# and limits do not reach launches from the UI, backfills or automation.
GPU = "gpu"
GPU_STEP = gpu_step(load_settings().gpus)
# A step whose process or machine died resumes from its last checkpoint. A fault of data or configuration is permanent.
RETRY = dg.RetryPolicy(max_retries=2)
# The one check of an adapter that a skipped training answers too.
ENOUGH_ROWS = "enough_usable_rows"
ENOUGH_ROWS_STATES = (
    "The dataset has the rows that the recipe asks for, and at most a tenth of them are too long. Otherwise this says "
    "why the adapter was skipped, or what it was not trained on, and what to do."
)
MAX_TOO_LONG = 0.1
# The tag of a run, with the asset's name, that shows in the list of runs what was not trained.
NOT_TRAINED = "not_trained"
Results = Iterator[dg.AssetCheckResult | dg.MaterializeResult]


class TrainingConfig(dg.Config):
    """What the launchpad may set; everything else is in the recipe."""

    recipe: str | None = None
    seed: int | None = None

    def resolve(self, home: HomeResource) -> Recipe:
        """The named recipe, or the deployment's, with the seed given here; no retry helps if it is invalid."""
        with without_retries():
            recipe = named_recipe(self.recipe or home.recipe)
            return recipe if self.seed is None else adjusted(recipe, {"seed": self.seed})


class StageConfig(TrainingConfig):
    """Values of the asset's own stage that win over the recipe's."""

    learning_rate: float | None = None
    num_train_epochs: float | None = None
    max_steps: int | None = None

    def resolve_stage(self, home: HomeResource, stage: str) -> Recipe:
        """The recipe with the values given here; a failure without retries if they are invalid."""
        # No value of the recipe: some configurations also name the base model.
        chosen = self.model_dump(exclude={"recipe", "seed", "model"}, exclude_none=True)
        with without_retries():
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
            reward_model=newest_adapter(adapters, "reward", day) if self.kind in ("grpo", "ppo") else None,
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

    def decorate(function: Callable[..., Any]) -> dg.AssetsDefinition:
        spec = dg.AssetSpec(
            name,
            deps=list(deps),
            description=description or inspect.getdoc(function),
            skippable=True,
            group_name=group,
            kinds={"huggingface", "pytorch"},
            owners=MODEL_TEAM,
        )
        checks = {ENOUGH_ROWS: ENOUGH_ROWS_STATES, **stage.checks}
        return dg.multi_asset(
            name=name,
            specs=[spec],
            check_specs=[day_check(check, name, text) for check, text in checks.items()],
            # `dg.asset` requires a result of every check, and a skipped training has none to give.
            can_subset=True,
            partitions_def=days,
            pool=GPU,
            op_tags=GPU_STEP,
            retry_policy=RETRY,
        )(function)

    return decorate


def required_adapter(adapters: Path, kind: str, day: str) -> Adapter:
    """The day's adapter of that kind; a failure that no retry fixes if there is none."""
    adapter = newest_adapter(adapters, kind, day)
    if adapter is None:
        raise dg.Failure(f"{day} has no {kind.upper()} adapter; materialize {kind}_adapter first", allow_retries=False)
    return adapter


def train_adapter(
    context: dg.AssetExecutionContext, home: HomeResource, stage: TrainingStage, recipe: Recipe
) -> Results:
    """Train the day's adapter, or say why not: with too few rows nothing is materialized, one check warns, the others
    have no result, everything downstream is skipped, and the run succeeds with a tag. A check that stopped the training
    is reported red before the run fails.
    """
    context.log.info(f"{stage.kind}: {describe_host()}")
    with without_retries():
        job = stage.make_job(home, context.partition_key, recipe, context.log.info)
        for warning in recipe_warnings(recipe, facts_of(job.base).hidden_size, (job.adapter_kind,)):
            context.log.warning(warning)
    try:
        adapter = train(job, context.log.info, observe=_observe(context))
    except (NotEnoughRows, NoSignal) as reason:
        yield from _selected(context, [_skipped(context, reason)])
        return
    except PERMANENT as error:
        if isinstance(error, TrainingRefused) and error.check:
            yield from _selected(context, [_check_result(error.check)])
        raise dg.Failure(str(error), allow_retries=False) from error
    checks = _selected(
        context, [_rows_result(adapter), *(_check_result(check) for check in adapter.manifest.checks.values())]
    )
    yield dg.MaterializeResult(
        metadata=adapter_metadata(adapter), data_version=dg.DataVersion(adapter.sha256), check_results=checks
    )


def _observe(context: dg.AssetExecutionContext) -> Callable[[dict[str, float]], None]:
    """Log observations of the asset while it trains: the UI plots their numbers."""

    def observe(values: dict[str, float]) -> None:
        step, steps = int(values["step"]), int(values["steps"])
        seen = {name: value for name, value in values.items() if name != "steps"} | {"step": step}
        left = f"step {step} of {steps}, about {values['seconds_left']:,.0f} s left"
        context.log_event(
            dg.AssetObservation(context.asset_key, partition=context.partition_key, description=left, metadata=seen)
        )

    return observe


def _selected(context: dg.AssetExecutionContext, results: list[dg.AssetCheckResult]) -> list[dg.AssetCheckResult]:
    """The results of the checks that the run selected: an asset may be selected without them."""
    selected = {key.name for key in context.selected_asset_check_keys}
    return [result for result in results if result.check_name in selected]


def _skipped(context: dg.AssetExecutionContext, reason: NotEnoughRows | NoSignal) -> dg.AssetCheckResult:
    """Show the reason on the asset's page, in the log, in the list of runs and at one check."""
    asset = context.asset_key.to_user_string()
    context.log.warning(f"{asset} is skipped: {reason}")
    skipped = dg.AssetObservation(
        context.asset_key,
        partition=context.partition_key,
        description=f"Skipped: {reason}",
        metadata={"skipped": str(reason)},
    )
    context.log_event(skipped)
    counts: dict[str, Any] = {}
    tag = "no signal"
    if isinstance(reason, NotEnoughRows):
        counts = {"usable_rows": reason.usable, "needed_rows": reason.needed, "rows_dropped": reason.dropped}
        tag = f"{reason.usable} of {reason.needed} rows"
    context.instance.add_run_tags(context.run_id, {f"{NOT_TRAINED}/{asset}": tag})
    return dg.AssetCheckResult(
        check_name=ENOUGH_ROWS,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Skipped: {reason}",
        metadata={"skipped": str(reason), **counts},
    )


def _rows_result(adapter: Adapter) -> dg.AssetCheckResult:
    """The check of an adapter that was trained: whether it was trained on most of its rows."""
    used, dropped = adapter.manifest.dataset.used, adapter.manifest.dataset.dropped
    too_long = dropped.get(TOO_LONG, 0)
    passed = too_long <= MAX_TOO_LONG * (used + too_long)
    lacking = f"Trained on {used} of {used + too_long} rows: the others are too long. {REMEDIES[TOO_LONG]}"
    return dg.AssetCheckResult(
        check_name=ENOUGH_ROWS,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=None if passed else lacking,
        metadata={"usable_rows": used, "rows_dropped": dropped, **({} if passed else {"result": lacking})},
    )


def _check_result(check: Check) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check.name,
        passed=check.passed,
        severity=dg.AssetCheckSeverity.WARN if check.severity == "warn" else dg.AssetCheckSeverity.ERROR,
        # GraphQL, and so the page of the check, has no number that is not finite.
        metadata={
            name: value if math.isfinite(value) else str(value)
            for name, value in (("value", check.value), ("limit", check.limit))
        }
        | {"what": check.what},
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
