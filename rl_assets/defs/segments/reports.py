"""A report on each segment's newest adapter, on the held-out rows of its slice. Measuring is `rl_assets.evaluation`.

They are of the group `reports`, so the nightly jobs make them too. Nothing is promoted: the champion is the product's.
"""

from functools import partial

import dagster as dg

from rl_assets.defs.datasets.datasets import dpo_dataset, sft_dataset
from rl_assets.defs.evaluation.reports import trained_on_beside
from rl_assets.defs.shared.metadata import report_metadata
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.adapters import base_model
from rl_assets.defs.training.training_runs import GPU, GPU_STEP, TrainingConfig
from rl_assets.evaluation.report.render import write_report
from rl_assets.evaluation.run.evaluate import evaluate
from rl_assets.evaluation.run.inputs import Material
from rl_assets.evaluation.run.models import subjects_of
from rl_assets.llm.prices import read_prices
from rl_assets.models.base_models import ensure_base_model
from rl_assets.recipes.recipe import Recipe
from rl_assets.recipes.segments import Segment
from rl_assets.training.data.rows import matches_filters

LEAK = "no_test_prompt_was_trained_on"


def segment_report(name: str, segment: Segment) -> dg.AssetsDefinition:
    """The asset `<name>_report`: the segment's last stage against base, first stage and champion."""
    key = f"{name}_report"

    def report(context: dg.AssetExecutionContext, home: HomeResource, config: TrainingConfig) -> dg.MaterializeResult:
        day, log = context.partition_key, context.log.info
        base = ensure_base_model(home.base_model, home.paths.models, log)
        try:
            subjects = subjects_of(home.paths, day, base, segment.stages[-1], name)
        except FileNotFoundError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        found = evaluate(day, subjects, _material(home, day, name, segment.apply_to(config.resolve(home))), log).report
        folder = home.paths.reports(day) / "segments" / name
        write_report(found, folder)
        check = dg.AssetCheckResult(
            check_name=LEAK,
            passed=not found.leaked,
            metadata={"leaked": len(found.leaked), "first": found.leaked[:20]},
        )
        return dg.MaterializeResult(metadata=report_metadata(found, folder), check_results=[check])

    made = dg.asset(
        name=key,
        partitions_def=days,
        deps=[base_model, sft_dataset, dpo_dataset, *(f"{name}_{stage}_adapter" for stage in segment.stages)],
        check_specs=[dg.AssetCheckSpec(LEAK, asset=key, description="No held-out prompt lies in a training split.")],
        description=f"The newest adapter of the segment {name} against base, parent and champion, on its own rows.",
        group_name="reports",
        kinds={"huggingface", "matplotlib"},
        owners=MODEL_TEAM,
        pool=GPU,
        op_tags=GPU_STEP,
    )(report)
    assert isinstance(made, dg.AssetsDefinition)
    return made


def _material(home: HomeResource, day: str, name: str, recipe: Recipe) -> Material:
    """The held-out rows of the slice; benchmarks and facts of the log are in the report of the product."""
    return Material(
        sft_folder=home.paths.datasets("sft_dataset", day),
        dpo_folder=home.paths.datasets("dpo_dataset", day),
        trained_on=trained_on_beside(home, day),
        among=partial(matches_filters, recipe=recipe),
        name=name,
        prices=read_prices(home.paths.prices),
    )
