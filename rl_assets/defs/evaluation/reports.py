"""Evaluation, decision and champion. Measuring and deciding is `rl_assets.evaluation`."""

from pathlib import Path
from typing import Any

import dagster as dg

from rl_assets.datasets.folder import read_manifest
from rl_assets.datasets.ratings import rated_as_of
from rl_assets.defs.annotation.judge import JUDGE_CAN_BE_BELIEVED, JudgeConfig, JudgeResource, judge_check
from rl_assets.defs.datasets.datasets import dpo_dataset, sft_dataset
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.metadata import report_metadata
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import BACKFILL, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.adapters import base_model, dpo_adapter, sft_adapter
from rl_assets.defs.training.offline_adapters import grpo_adapter, kto_adapter
from rl_assets.defs.training.training_runs import GPU, GPU_STEP, TrainingConfig
from rl_assets.evaluation.ab.generated import write_answers
from rl_assets.evaluation.log.log_facts import log_facts
from rl_assets.evaluation.promotion.champion import promote, read_champion
from rl_assets.evaluation.promotion.promotion import PromotionRules, decide
from rl_assets.evaluation.promotion.selection import select
from rl_assets.evaluation.report.escaping import markdown_text
from rl_assets.evaluation.report.render import read_report, write_decision, write_report
from rl_assets.evaluation.report.report_tables import judgements
from rl_assets.evaluation.run.benchmarks import read_benchmarks
from rl_assets.evaluation.run.evaluate import evaluate
from rl_assets.evaluation.run.inputs import Material
from rl_assets.evaluation.run.models import subjects_of
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.roles import Role
from rl_assets.llm.prices import read_prices
from rl_assets.models.adapters import newest_adapter
from rl_assets.models.base_models import ensure_base_model
from rl_assets.recipes.recipe import Recipe, adjusted


class PromotionConfig(dg.Config, PromotionRules):
    """When a candidate may replace the champion. With `parent_may_win` its parent adapter is a second candidate."""

    parent_may_win: bool = False


ENTRANTS: tuple[Role, ...] = ("candidate", "parent")
# Any of them may be the candidate, and all that the day has answer.
ADAPTERS = (sft_adapter, dpo_adapter, kto_adapter, grpo_adapter)
# Datasets beside those that are asked of, on which adapters of the day may have been trained.
MORE_DATASETS = ("kto_dataset", "grpo_dataset")


class EvalConfig(TrainingConfig, JudgeConfig):
    """What may be chosen at launch: which adapter is the candidate (sft, dpo, kto or grpo; the recipe's unless given),
    whose rows are asked of, and how much a judge is asked."""

    candidate: str | None = None

    def resolve(self, home: HomeResource) -> Recipe:
        """The recipe, with the candidate given here."""
        recipe = super().resolve(home)
        return recipe if self.candidate is None else adjusted(recipe, {"candidate": self.candidate})


@dg.asset(
    partitions_def=days,
    deps=[base_model, rated_interactions, sft_dataset, dpo_dataset, *ADAPTERS],
    check_specs=[
        dg.AssetCheckSpec(
            "no_test_prompt_was_trained_on",
            asset="eval_report",
            blocking=True,
            description="No prompt of the test split or of a benchmark lies in a training or validation split.",
        ),
        dg.AssetCheckSpec("judge_can_be_believed", asset="eval_report", description=JUDGE_CAN_BE_BELIEVED),
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
    base = ensure_base_model(home.base_model, paths.models, log)
    try:
        subjects = subjects_of(paths, day, base, recipe.candidate)
    except FileNotFoundError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    asked = judge.judge(paths, config.max_judge_calls, log)
    found = evaluate(day, subjects, _material(home, day, recipe), log, asked, config.judge_pairs)
    report = found.report
    write_answers(found.answers, paths.reports(day))
    write_report(report, paths.reports(day))
    leak = dg.AssetCheckResult(
        check_name="no_test_prompt_was_trained_on",
        passed=not report.leaked,
        metadata={"leaked": len(report.leaked), "first": report.leaked[:20]},
    )
    judged = judge_check("judge_can_be_believed", "eval_report", judgements(report))
    return dg.MaterializeResult(metadata=report_metadata(report, paths.reports(day)), check_results=[leak, judged])


def trained_on_beside(home: HomeResource, day: str) -> list[Path]:
    """The day's published datasets on which adapters may have been trained, beside those that are asked of."""
    more = [home.paths.datasets(name, day) for name in MORE_DATASETS]
    return [folder for folder in more if read_manifest(folder)]


def _material(home: HomeResource, day: str, recipe: Recipe) -> Material:
    return Material(
        sft_folder=home.paths.datasets("sft_dataset", day),
        dpo_folder=home.paths.datasets("dpo_dataset", day),
        trained_on=trained_on_beside(home, day),
        segment=recipe.segment,
        benchmarks=read_benchmarks(home.paths.benchmarks),
        log_facts=log_facts(rated_as_of(home.lake, home.window(day), home.duckdb_memory_limit)),
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
    entrants = [role for role in ENTRANTS if role == "candidate" or (config.parent_may_win and role in report.models)]
    decisions = select([decide(report, champion, config, role) for role in entrants])
    role, decision = next(
        ((role, found) for role, found in zip(entrants, decisions, strict=True) if found.verdict == "PROMOTE"),
        (entrants[0], decisions[0]),
    )
    kind = report.models[role].kind
    write_decision(report, decision, paths.reports(day))
    adapter = newest_adapter(paths.adapters(), kind, day)
    if adapter is None:
        raise dg.Failure(f"{day} has no {kind} adapter; materialize {kind}_adapter first", allow_retries=False)
    for reason in decision.reasons:
        context.log.info(f"{decision.verdict}: {reason}")
    if of_backfill := BACKFILL in context.run.tags:
        context.log.info(f"a backfill promotes nothing: materialize promotion_decision of {day} by itself for that")
    promoted = not of_backfill and promote(paths, decision, adapter)
    return dg.MaterializeResult(metadata=decision_metadata(decision, kind, promoted))


def decision_metadata(decision: Decision, kind: str, promoted: bool) -> dict[str, Any]:
    """The verdict with its reasons."""
    rails = "\n".join(f"- {rail.sentence()}" for rail in decision.guard_rails)
    return {
        "verdict": decision.verdict,
        "adapter": kind,
        "reasons": dg.MetadataValue.md("\n".join(f"- {markdown_text(reason)}" for reason in decision.reasons)),
        "guard_rails": dg.MetadataValue.md(rails or "none"),
        "champion_changed": promoted,
    }
