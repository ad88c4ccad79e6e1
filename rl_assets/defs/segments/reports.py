"""A report, evidence and a decision on each segment's newest adapter, as on the product's. Nothing is computed here.

They are of the group `reports`, so the nightly jobs materialize them too.
"""

from functools import partial

import dagster as dg

from rl_assets.datasets.ratings import rated_as_of
from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.defs.datasets.datasets import dpo_dataset, sft_dataset
from rl_assets.defs.evaluation.decisions import (
    EVIDENCE_POOL,
    PromotionConfig,
    decide_night,
    labels_check_spec,
    publish_evidence,
    users_check_spec,
)
from rl_assets.defs.evaluation.reports import EvalConfig, evaluate_night, further_training_sets, report_checks
from rl_assets.defs.evaluation.review import REVIEW_POOL, ReviewConfig, publish_queue
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import Results, table_asset
from rl_assets.defs.training.adapters import base_model
from rl_assets.defs.training.training_runs import GPU, GPU_STEP
from rl_assets.evaluation.log.agreement import agreement_of_good_answers
from rl_assets.evaluation.online.conversations import read_conversations
from rl_assets.evaluation.run.inputs import EvalInputs
from rl_assets.llm.prices import read_prices
from rl_assets.recipes.recipe import Recipe, filters_of, matches_filters
from rl_assets.recipes.segments import Segment
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE
from rl_assets.tables.records import FEEDBACK
from rl_assets.tables.review_queue import REVIEW_QUEUE


def segment_decisions(name: str, segment: Segment) -> list[dg.AssetsDefinition]:
    """The assets `<name>_report`, `<name>_evidence`, `<name>_review_queue` and `<name>_decision`."""
    return [_report(name, segment), _evidence(name), _review_queue(name), _decision(name)]


def _report(name: str, segment: Segment) -> dg.AssetsDefinition:
    key = f"{name}_report"

    @dg.asset(
        name=key,
        partitions_def=days,
        deps=[base_model, sft_dataset, dpo_dataset, *(f"{name}_{stage}_adapter" for stage in segment.stages)],
        check_specs=report_checks(key),
        description=f"The newest adapter of the segment {name} against base, parent and champion, on its own rows.",
        group_name="reports",
        kinds={"huggingface", "matplotlib"},
        owners=MODEL_TEAM,
        pool=GPU,
        op_tags=GPU_STEP,
    )
    def report(
        context: dg.AssetExecutionContext, home: HomeResource, judge: JudgeResource, config: EvalConfig
    ) -> dg.MaterializeResult:
        recipe = segment.apply_to(_with_values_of(segment, config).resolve(home))
        inputs = _inputs(home, context.partition_key, name, recipe)
        service = judge.judge(home.paths, config.max_judge_calls, context.log.info)
        return evaluate_night(context, home, recipe, inputs, service, config.judge_pairs)

    return report


def _with_values_of(segment: Segment, config: EvalConfig) -> EvalConfig:
    """The launch's values, and those of the segment for what the launch leaves open."""
    own = {"candidate": segment.stages[-1]}
    own |= segment.model_dump(include={"recipe", "primary", "primary_reason"}, exclude_none=True)
    return config.model_copy(update={key: value for key, value in own.items() if getattr(config, key) is None})


def _inputs(home: HomeResource, day: str, name: str, recipe: Recipe) -> EvalInputs:
    """The held-out rows of the segment; benchmarks and production metrics are in the report of the product."""
    rated = rated_as_of(home.lake, home.window(day), home.duckdb_memory_limit)
    in_slice = partial(matches_filters, recipe=recipe)
    return EvalInputs(
        sft_folder=home.paths.datasets("sft_dataset", day),
        dpo_folder=home.paths.datasets("dpo_dataset", day),
        trained_on=further_training_sets(home, day),
        row_filter=in_slice,
        agreement=agreement_of_good_answers(rated, None, in_slice),
        rows=filters_of(recipe),
        conversations=read_conversations(rated),
        name=name,
        declared=recipe.primary,
        prices=read_prices(home.paths.prices),
    )


def _evidence(name: str) -> dg.AssetsDefinition:
    @table_asset(
        DECISION_EVIDENCE,
        name=f"{name}_evidence",
        deps=[f"{name}_report"],
        description=f"What held-out clusters of prompts said of the segment {name}: its part of `decision_evidence`.",
        group="reports",
        kind="huggingface",
        pool=EVIDENCE_POOL,
    )
    def evidence(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
        yield from publish_evidence(context, home, name)

    return evidence


def _review_queue(name: str) -> dg.AssetsDefinition:
    @table_asset(
        REVIEW_QUEUE,
        name=f"{name}_review_queue",
        deps=[f"{name}_report"],
        description=f"Pairs of answers of the segment {name} that people may compare: its part of `review_queue`.",
        group="reports",
        kind="json",
        pool=REVIEW_POOL,
    )
    def queue(context: dg.AssetExecutionContext, home: HomeResource, config: ReviewConfig) -> Results:
        yield from publish_queue(context, home, config, name)

    return queue


def _decision(name: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"{name}_decision",
        partitions_def=days,
        deps=[f"{name}_report", f"{name}_evidence", f"{name}_review_queue", FEEDBACK.name],
        check_specs=[labels_check_spec(f"{name}_decision"), users_check_spec(f"{name}_decision")],
        description=f"The promotion decision on the segment {name}, which has a champion of its own.",
        group_name="reports",
        kinds={"json"},
        owners=MODEL_TEAM,
    )
    def decision(
        context: dg.AssetExecutionContext, home: HomeResource, config: PromotionConfig
    ) -> dg.MaterializeResult:
        return decide_night(context, home, config, name)

    return decision
