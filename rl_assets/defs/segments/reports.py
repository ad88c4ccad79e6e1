"""A report on each segment's newest adapter, on its held-out rows. Evaluating is `rl_assets.evaluation`.

They are of the group `reports`, so the nightly jobs materialize them too. Nothing is promoted: the champion is the
product's.
"""

from functools import partial

import dagster as dg

from rl_assets.defs.datasets.datasets import dpo_dataset, sft_dataset
from rl_assets.defs.evaluation.reports import (
    NO_CONTAMINATION,
    contamination_check,
    epoch_metric,
    further_training_sets,
    report_metadata,
)
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import day_check, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.adapters import base_model
from rl_assets.defs.training.training_runs import GPU, GPU_STEP, TrainingConfig
from rl_assets.evaluation.report.files import write_report
from rl_assets.evaluation.run.evaluate import RunningEpoch, evaluate
from rl_assets.evaluation.run.inputs import EvalInputs
from rl_assets.evaluation.run.models import models_of_day
from rl_assets.llm.prices import read_prices
from rl_assets.models.base_models import ensure_base_model
from rl_assets.recipes.recipe import Recipe, matches_filters
from rl_assets.recipes.segments import Segment


def segment_report(name: str, segment: Segment) -> dg.AssetsDefinition:
    """The asset `<name>_report`: the segment's last stage against base, first stage and champion."""
    key = f"{name}_report"

    def report(context: dg.AssetExecutionContext, home: HomeResource, config: TrainingConfig) -> dg.MaterializeResult:
        day, log = context.partition_key, context.log.info
        base = ensure_base_model(home.base_model, home.paths.models, log)
        try:
            models = models_of_day(home.paths, day, base, segment.stages[-1], name)
        except FileNotFoundError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        recipe = segment.apply_to(config.resolve(home))
        epoch = RunningEpoch(epoch_metric(context, home.paths.metric_of_epoch(name), recipe))
        evaluated = evaluate(day, models, _inputs(home, day, name, recipe), log, epoch=epoch).report
        folder = home.paths.reports(day) / "segments" / name
        write_report(evaluated, folder)
        return dg.MaterializeResult(
            metadata=report_metadata(evaluated, folder), check_results=[contamination_check(evaluated)]
        )

    asset = dg.asset(
        name=key,
        partitions_def=days,
        deps=[base_model, sft_dataset, dpo_dataset, *(f"{name}_{stage}_adapter" for stage in segment.stages)],
        check_specs=[day_check(NO_CONTAMINATION, key, "No held-out prompt is in a training split.")],
        description=f"The newest adapter of the segment {name} against base, parent and champion, on its own rows.",
        group_name="reports",
        kinds={"huggingface", "matplotlib"},
        owners=MODEL_TEAM,
        pool=GPU,
        op_tags=GPU_STEP,
    )(report)
    assert isinstance(asset, dg.AssetsDefinition)
    return asset


def _inputs(home: HomeResource, day: str, name: str, recipe: Recipe) -> EvalInputs:
    """The held-out rows of the segment; benchmarks and production metrics are in the report of the product."""
    return EvalInputs(
        sft_folder=home.paths.datasets("sft_dataset", day),
        dpo_folder=home.paths.datasets("dpo_dataset", day),
        trained_on=further_training_sets(home, day),
        row_filter=partial(matches_filters, recipe=recipe),
        name=name,
        declared=recipe.primary,
        prices=read_prices(home.paths.prices),
    )
