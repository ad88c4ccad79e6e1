"""The evaluation report and the promotion decision, which sets the champion. Evaluating is `rl_assets.evaluation`.

Reports on segments, comparisons of agents and the rollback of a champion are in modules of their own.
"""

from collections.abc import Callable
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
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.adapters import base_model, dpo_adapter, sft_adapter
from rl_assets.defs.training.offline_adapters import grpo_adapter, kto_adapter
from rl_assets.defs.training.training_runs import GPU, GPU_STEP, TrainingConfig, required_adapter
from rl_assets.evaluation.log.production import production_metrics
from rl_assets.evaluation.promotion.champion import promote, read_champion
from rl_assets.evaluation.promotion.decide import PromotionRules, decide, select
from rl_assets.evaluation.promotion.epochs import primary_of_epoch
from rl_assets.evaluation.report.escaping import markdown_text
from rl_assets.evaluation.report.eval_sections import headline, models_table
from rl_assets.evaluation.report.feedback_sections import agreement_sentence
from rl_assets.evaluation.report.files import read_report, write_decision, write_report
from rl_assets.evaluation.report.inline_plots import small_forest
from rl_assets.evaluation.report.markdown import markdown_table
from rl_assets.evaluation.run.answers import write_answers
from rl_assets.evaluation.run.benchmarks import read_benchmarks
from rl_assets.evaluation.run.evaluate import Settle, evaluate
from rl_assets.evaluation.run.inputs import EvalInputs
from rl_assets.evaluation.run.models import models_of_day
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.evaluation.schema.report import EvalReport, Role
from rl_assets.llm.prices import read_prices
from rl_assets.models.base_models import ensure_base_model
from rl_assets.recipes.recipe import Recipe, adjusted, matches_slice
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS


class PromotionConfig(dg.Config, PromotionRules):
    """When a candidate may replace the champion. With `parent_may_win` its parent adapter is a second candidate."""

    parent_may_win: bool = False


# Any of them may be the candidate; all that exist for the day are evaluated.
ADAPTERS = (sft_adapter, dpo_adapter, kto_adapter, grpo_adapter)
# Further datasets without held-out items, on which adapters of the day may have been trained.
MORE_DATASETS = ("kto_dataset", "grpo_dataset")
NO_CONTAMINATION = "no_test_prompt_was_trained_on"
SAMPLES = 20


class EvalConfig(TrainingConfig, JudgeConfig):
    """What may be chosen at launch: which adapter is the candidate (sft, dpo, kto or grpo; the recipe's unless given),
    the metric that decides (the recipe's; why, if another one has decided so far), and how much a judge is used."""

    candidate: str | None = None
    primary: str | None = None
    primary_reason: str | None = None

    def resolve(self, home: HomeResource) -> Recipe:
        """The recipe, with the candidate and the metric given here."""
        chosen = self.model_dump(include={"candidate", "primary", "primary_reason"}, exclude_none=True)
        return adjusted(super().resolve(home), chosen)


@dg.asset(
    partitions_def=days,
    deps=[base_model, rated_interactions, sft_dataset, dpo_dataset, *ADAPTERS],
    check_specs=[
        day_check(
            NO_CONTAMINATION,
            "eval_report",
            "No prompt of the test split or of a benchmark is in a training or validation split.",
            blocking=True,
        ),
        day_check("judge_is_reliable", "eval_report", JUDGE_IS_RELIABLE),
    ],
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
    day, paths, log, recipe = context.partition_key, home.paths, context.log.info, config.resolve(home)
    require_input(context, home.lake, RATED_INTERACTIONS, day)
    base = ensure_base_model(home.base_model, paths.models, log)
    try:
        models = models_of_day(paths, day, base, recipe.candidate)
    except FileNotFoundError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    service = judge.judge(paths, config.max_judge_calls, log)
    settle = epoch_metric(context, paths.metric_of_epoch(), recipe)
    evaluation = evaluate(day, models, _inputs(home, day, recipe), log, service, config.judge_pairs, settle)
    report = evaluation.report
    write_answers(evaluation.answers, paths.reports(day))
    write_report(report, paths.reports(day))
    reliable = judge_check("judge_is_reliable", "eval_report", report.judge.verdicts)
    return dg.MaterializeResult(
        metadata=report_metadata(report, paths.reports(day)),
        check_results=[contamination_check(report), reliable],
    )


def epoch_metric(context: dg.AssetExecutionContext, file: Path, recipe: Recipe) -> Settle:
    """Keeps the metric of the running epoch in its file; a run of a backfill writes none."""

    def settle(choose: Callable[[], Primary]) -> Primary:
        try:
            return primary_of_epoch(file, choose, recipe.primary_reason, keep=BACKFILL not in context.run.tags)
        except ValueError as error:
            raise dg.Failure(str(error), allow_retries=False) from error

    return settle


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
    return EvalInputs(
        sft_folder=home.paths.datasets("sft_dataset", day),
        dpo_folder=home.paths.datasets("dpo_dataset", day),
        trained_on=further_training_sets(home, day),
        segment=recipe.segment,
        declared=recipe.primary,
        row_filter=partial(matches_slice, recipe=recipe),
        benchmarks=read_benchmarks(home.paths.benchmarks),
        production=production_metrics(rated_as_of(home.lake, home.window(day), home.duckdb_memory_limit)),
        prices=read_prices(home.paths.prices),
    )


@dg.asset(partitions_def=days, deps=[eval_report], group_name="reports", kinds={"json"}, owners=MODEL_TEAM)
def promotion_decision(
    context: dg.AssetExecutionContext, home: HomeResource, config: PromotionConfig
) -> dg.MaterializeResult:
    """PROMOTE, REJECT, HOLD or INSUFFICIENT, with reasons; a promoted adapter of a newer day is the champion.

    A run of a backfill decides too, and leaves the champion as it is.
    """
    day, paths = context.partition_key, home.paths
    report, champion = read_report(paths.reports(day)), read_champion(paths)
    roles: list[Role] = ["candidate"]
    if config.parent_may_win and "parent" in report.models:
        roles.append("parent")
    decisions = dict(zip(roles, select([decide(report, champion, config, role) for role in roles]), strict=True))
    role = next((role for role, decision in decisions.items() if decision.verdict == "PROMOTE"), roles[0])
    decision, kind = decisions[role], report.models[role].kind
    write_decision(report, decision, paths.reports(day))
    adapter = required_adapter(paths.adapters(), kind, day)
    for reason in decision.reasons:
        context.log.info(f"{decision.verdict}: {reason}")
    if of_backfill := BACKFILL in context.run.tags:
        context.log.info(f"a backfill promotes nothing: materialize promotion_decision of {day} alone for that")
    promoted = not of_backfill and promote(paths, decision, adapter)
    return dg.MaterializeResult(metadata=decision_metadata(decision, kind, promoted))


def decision_metadata(decision: Decision, kind: str, promoted: bool) -> dict[str, Any]:
    """The verdict with its reasons."""
    guardrails = "\n".join(f"- {guardrail.sentence()}" for guardrail in decision.guardrails)
    return {
        "verdict": decision.verdict,
        "adapter": kind,
        "candidate": decision.candidate,
        "reasons": dg.MetadataValue.md("\n".join(f"- {markdown_text(reason)}" for reason in decision.reasons)),
        "guardrails": dg.MetadataValue.md(guardrails or "none"),
        "champion_changed": promoted,
    }
