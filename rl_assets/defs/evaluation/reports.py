"""The evaluation report, of the product or of a declared segment. Evaluating is `rl_assets.evaluation`.

The asset here is the product's. Decisions, the assets of segments, comparisons of agents and the rollback of a champion
are in modules of their own.
"""

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from rl_assets.datasets.ratings import rated_as_of
from rl_assets.defs.annotation.judge import JUDGE_IS_RELIABLE, JudgeConfig, JudgeResource, judge_check
from rl_assets.defs.datasets.datasets import dpo_dataset, sft_dataset
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import BACKFILL, day_check, days
from rl_assets.defs.shared.permanent_errors import without_retries
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.adapters import base_model, dpo_adapter, sft_adapter
from rl_assets.defs.training.offline_adapters import grpo_adapter, kto_adapter, ppo_adapter
from rl_assets.defs.training.training_runs import GPU, GPU_STEP, TrainingConfig
from rl_assets.evaluation.log.agreement import agreement_of_good_answers
from rl_assets.evaluation.log.production import production_metrics
from rl_assets.evaluation.online.conversations import read_conversations
from rl_assets.evaluation.online.served import served_before, served_differences
from rl_assets.evaluation.promotion.champion import read_champion
from rl_assets.evaluation.promotion.epochs import primary_of_epoch
from rl_assets.evaluation.promotion.nights import earlier_nights
from rl_assets.evaluation.promotion.previous import counted_before
from rl_assets.evaluation.report.eval_sections import headline, models_table
from rl_assets.evaluation.report.feedback_sections import agreement_sentence
from rl_assets.evaluation.report.files import write_report
from rl_assets.evaluation.report.inline_plots import small_forest
from rl_assets.evaluation.report.markdown import markdown_table
from rl_assets.evaluation.run.answers import write_answers
from rl_assets.evaluation.run.benchmarks import read_benchmarks
from rl_assets.evaluation.run.differences import Differences, write_differences
from rl_assets.evaluation.run.evaluate import Fresh, RunningEpoch, Settle, evaluate
from rl_assets.evaluation.run.fresh import (
    MAX_FRESH,
    RowsGoneError,
    fresh_items,
    learned_keys,
    with_clusters_of_tonight,
)
from rl_assets.evaluation.run.inputs import EvalInputs
from rl_assets.evaluation.run.models import EvaluatedModels, models_of_day
from rl_assets.evaluation.run.pairs import write_pairs
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.evaluation.schema.report import EvalReport
from rl_assets.llm.client import Judge
from rl_assets.llm.prices import read_prices
from rl_assets.models.base_models import ensure_base_model
from rl_assets.recipes.recipe import Recipe, adjusted, filters_of, matches_slice
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS

# Any of them may be the candidate; all that exist for the day are evaluated.
ADAPTERS = (sft_adapter, dpo_adapter, kto_adapter, grpo_adapter, ppo_adapter)
# Further datasets without held-out items, on which adapters of the day may have been trained.
MORE_DATASETS = ("kto_dataset", "grpo_dataset")
NO_CONTAMINATION = "no_test_prompt_was_trained_on"
SAMPLES = 20
SHOWN_TO_PEOPLE = 20


class EvalConfig(TrainingConfig, JudgeConfig):
    """What may be chosen at launch: which adapter is the candidate (sft, dpo, kto, grpo or ppo; the recipe's unless
    given), the metric that decides (the recipe's; why, if another one has decided so far), how much a judge is used.
    """

    candidate: str | None = None
    primary: str | None = None
    primary_reason: str | None = None

    def resolve(self, home: HomeResource) -> Recipe:
        """The recipe, with the candidate and the metric given here."""
        chosen = self.model_dump(include={"candidate", "primary", "primary_reason"}, exclude_none=True)
        with without_retries():
            return adjusted(super().resolve(home), chosen)


def report_checks(asset: str) -> list[dg.AssetCheckSpec]:
    """The checks of a report."""
    states = "No prompt of the test split or of a benchmark is in a training or validation split."
    return [
        day_check(NO_CONTAMINATION, asset, states, blocking=True),
        day_check("judge_is_reliable", asset, JUDGE_IS_RELIABLE),
    ]


@dg.asset(
    partitions_def=days,
    deps=[base_model, rated_interactions, sft_dataset, dpo_dataset, *ADAPTERS],
    check_specs=report_checks("eval_report"),
    group_name="reports",
    kinds={"huggingface", "matplotlib"},
    owners=MODEL_TEAM,
    pool=GPU,
    op_tags=GPU_STEP,
)
def eval_report(
    context: dg.AssetExecutionContext, home: HomeResource, judge: JudgeResource, config: EvalConfig
) -> dg.MaterializeResult:
    """The candidate against base, parent and champion on held-out items and benchmarks, with paired 95 % intervals."""
    day, recipe = context.partition_key, config.resolve(home)
    require_input(context, home.lake, RATED_INTERACTIONS, day)
    service = judge.judge(home.paths, config.max_judge_calls, context.log.info)
    with without_retries():
        inputs = _inputs(home, day, recipe)
    return evaluate_night(context, home, recipe, inputs, service, config.judge_pairs)


def evaluate_night(
    context: dg.AssetExecutionContext,
    home: HomeResource,
    recipe: Recipe,
    inputs: EvalInputs,
    judge: Judge | None,
    judge_pairs: int,
) -> dg.MaterializeResult:
    """Evaluate the day's adapters of the product, or of the segment that the inputs name, and write all of it."""
    day, paths, log = context.partition_key, home.paths, context.log.info
    base, folder = ensure_base_model(home.base_model, paths.models, log), paths.reports(day, inputs.name)
    settle = _epoch_metric(context, paths.metric_of_epoch(inputs.name), recipe)
    with without_retries():
        models = models_of_day(paths, day, base, recipe.candidate, inputs.name, inputs.conversations)
        epoch = RunningEpoch(settle, partial(_fresh, home, day, inputs))
        evaluation = evaluate(day, models, inputs, log, judge, judge_pairs, epoch)
    report = evaluation.report
    write_answers(evaluation.answers, folder)
    write_differences(evaluation.differences | _of_previous_champion(home, day, inputs), folder)
    write_pairs(evaluation.pairs, folder)
    write_report(report, folder)
    asset = context.asset_key.to_user_string()
    reliable = judge_check("judge_is_reliable", asset, report.judge.verdicts, report.judge.preferences)
    return dg.MaterializeResult(
        metadata=report_metadata(report, folder), check_results=[contamination_check(report), reliable]
    )


def _epoch_metric(context: dg.AssetExecutionContext, file: Path, recipe: Recipe) -> Settle:
    """Keeps the metric of the running epoch in its file; a run of a backfill writes none."""

    def settle(choose: Callable[[], Primary]) -> Primary:
        return primary_of_epoch(file, choose, recipe.primary_reason, keep=BACKFILL not in context.run.tags)

    return settle


def _fresh(home: HomeResource, day: str, inputs: EvalInputs, primary: Primary, models: EvaluatedModels) -> Fresh:
    """What the epoch has counted, what the compared models have learned, and prompts that are neither.

    Without an entrant there is nothing new to the model under decision: the test split alone decides.
    """
    nights = earlier_nights(home.lake, primary, inputs.name, models.candidate.kind, date.fromisoformat(day))
    counted = with_clusters_of_tonight(home.paths, frozenset(nights["cluster"].to_pylist()))
    scoring = (models.reward.first, models.reward.second) if primary.metric == "reward_score" else ()
    knowing = (models.roles()[models.decided], models.comparable_champion, *scoring)
    compared = [adapter for adapter in knowing if adapter]
    try:
        learned = learned_keys(home.paths, compared)
    except RowsGoneError as gone:
        note = f"No prompt is known to be new to the models: {gone}. The test split alone decides."
        return Fresh(notes=[note], counted=counted)
    if models.entrant is None:
        return Fresh(counted=counted, learned=learned)
    # Without a metric that reads answers, people alone are shown some.
    limit = SHOWN_TO_PEOPLE if primary.metric in (None, "served_reward", "likelihood_accuracy") else MAX_FRESH
    return Fresh(fresh_items(inputs, learned | counted, limit), counted=counted, learned=learned)


def _of_previous_champion(home: HomeResource, day: str, inputs: EvalInputs) -> Differences:
    """What users made of the previous champion against today's in conversations that no night has counted."""
    champion = read_champion(home.paths, inputs.name)
    if champion is None or champion.previous is None or champion.day.isoformat() >= day:
        return {}
    served = served_before(inputs.conversations, champion.previous.hash, champion.hash, champion.day)
    counted = counted_before(home.lake, champion, inputs.name, date.fromisoformat(day))
    return {"champion": served_differences(served, frozenset(counted["cluster"].to_pylist()))}


def report_metadata(report: EvalReport, folder: Path) -> dict[str, Any]:
    """What the asset's page shows: the main metrics, which plot over days, a plot, and the path of the full report."""
    against_base = report.comparison("base")
    differences = against_base.differences if against_base else {}
    return {
        "dagster/uri": str(folder),
        "report": dg.MetadataValue.path(folder / "report.html"),
        "headline": headline(report),
        "decides": report.primary.sentence(),
        "difference": dg.MetadataValue.md(small_forest(report)),
        "results": dg.MetadataValue.md(markdown_table(models_table(report))),
        "judge_human_agreement": agreement_sentence(report.production.agreement),
        "items": report.held_out.items,
        "clusters": report.held_out.clusters,
        "fresh_items": report.fresh_items,
        **{name: metric.mean for name, metric in report.candidate.metrics.items()},
        **{f"{name}_over_base": difference.mean for name, difference in differences.items()},
    }


def contamination_check(report: EvalReport) -> dg.AssetCheckResult:
    """Whether the report's prompts are new to its models."""
    prompts = report.contamination.prompts
    return dg.AssetCheckResult(
        check_name=NO_CONTAMINATION,
        passed=not prompts,
        metadata={"contaminated": len(prompts), "samples": prompts[:SAMPLES]},
    )


def further_training_sets(home: HomeResource, day: str) -> list[Path]:
    """The day's published datasets without held-out items on which adapters may have been trained."""
    folders = [home.paths.datasets(name, day) for name in MORE_DATASETS]
    return [folder for folder in folders if read_manifest(folder)]


def _inputs(home: HomeResource, day: str, recipe: Recipe) -> EvalInputs:
    rated = rated_as_of(home.lake, home.window(day), home.duckdb_memory_limit)
    in_slice = partial(matches_slice, recipe=recipe)
    return EvalInputs(
        sft_folder=home.paths.datasets("sft_dataset", day),
        dpo_folder=home.paths.datasets("dpo_dataset", day),
        trained_on=further_training_sets(home, day),
        segment=recipe.segment,
        declared=recipe.primary,
        row_filter=in_slice,
        rows=filters_of(recipe.model_copy(update={"agents": ()})),
        agreement=agreement_of_good_answers(rated, recipe.segment, in_slice),
        benchmarks=read_benchmarks(home.paths.benchmarks),
        conversations=read_conversations(rated),
        production=production_metrics(rated),
        prices=read_prices(home.paths.prices),
    )
