"""Evaluation, decision and champion. Measuring and deciding is `rl_assets.evaluation`."""

from typing import Any

import dagster as dg

from rl_assets.defs.adapters import GPU, OWNERS, TrainingConfig, base_model, dpo_adapter, sft_adapter
from rl_assets.defs.datasets import dpo_dataset, sft_dataset
from rl_assets.defs.judge import JUDGE_CAN_BE_BELIEVED, JudgeConfig, JudgeResource, judge_check
from rl_assets.defs.metadata import report_metadata
from rl_assets.defs.partitions import days
from rl_assets.defs.ratings import rated_interactions
from rl_assets.defs.resources import HomeResource
from rl_assets.evaluation.benchmarks import read_benchmarks
from rl_assets.evaluation.champion import champion_adapter, promote, read_champion
from rl_assets.evaluation.decision import Decision
from rl_assets.evaluation.escaping import markdown_text
from rl_assets.evaluation.promotion import PromotionRules, decide
from rl_assets.evaluation.record import Role
from rl_assets.evaluation.render import read_report, write_decision, write_report
from rl_assets.evaluation.report import evaluate
from rl_assets.evaluation.report_tables import judgements
from rl_assets.evaluation.rewards import reward_bins
from rl_assets.evaluation.selection import select
from rl_assets.training.adapters import newest_adapter
from rl_assets.training.base_models import ensure_base_model


class PromotionConfig(dg.Config, PromotionRules):
    """When a candidate may replace the champion. With `parent_may_win` the SFT adapter is a second candidate."""

    parent_may_win: bool = False


ENTRANTS: tuple[tuple[Role, str], ...] = (("candidate", "dpo"), ("parent", "sft"))


class EvalConfig(TrainingConfig, JudgeConfig):
    """What may be chosen at launch: whose adapters are evaluated, and how much a judge is asked."""


@dg.asset(
    partitions_def=days,
    deps=[base_model, rated_interactions, sft_dataset, dpo_dataset, sft_adapter, dpo_adapter],
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
    owners=OWNERS,
    pool=GPU,
)
def eval_report(
    context: dg.AssetExecutionContext, home: HomeResource, judge: JudgeResource, config: EvalConfig
) -> dg.MaterializeResult:
    """The candidate against base, parent and champion on held-out items and benchmarks, with paired 95 % intervals."""
    day, folder, log = context.partition_key, home.folder, context.log.info
    parent, candidate = (newest_adapter(folder / "adapters", kind, day) for kind in ("sft", "dpo"))
    if candidate is None:
        raise dg.Failure(f"{day} has no DPO adapter to evaluate; materialize dpo_adapter first", allow_retries=False)
    champion = read_champion(folder)
    report = evaluate(
        day,
        ensure_base_model(home.base_model, folder / "models", log),
        candidate,
        parent,
        champion_adapter(folder, champion) if champion else None,
        sft_folder=home.dataset("sft_dataset", day),
        dpo_folder=home.dataset("dpo_dataset", day),
        segment=config.resolve(home).segment,
        log=log,
        benchmarks=read_benchmarks(folder / "eval"),
        rewards=reward_bins(home.lake, day, home.duckdb_memory_limit),
        judge=judge.judge(folder, config.max_judge_calls, log),
        judge_pairs=config.judge_pairs,
    )
    write_report(report, folder / "reports" / day)
    leak = dg.AssetCheckResult(
        check_name="no_test_prompt_was_trained_on",
        passed=not report.leaked,
        metadata={"leaked": len(report.leaked), "first": report.leaked[:20]},
    )
    judged = judge_check("judge_can_be_believed", "eval_report", judgements(report))
    return dg.MaterializeResult(
        metadata=report_metadata(report, folder / "reports" / day), check_results=[leak, judged]
    )


@dg.asset(partitions_def=days, deps=[eval_report], group_name="reports", kinds={"json"}, owners=OWNERS)
def promotion_decision(
    context: dg.AssetExecutionContext, home: HomeResource, config: PromotionConfig
) -> dg.MaterializeResult:
    """PROMOTE, REJECT, HOLD or INSUFFICIENT, with reasons; a promoted adapter of a newer day is the champion."""
    day, folder = context.partition_key, home.folder
    report, champion = read_report(folder / "reports" / day), read_champion(folder)
    entrants = ENTRANTS if config.parent_may_win and "parent" in report.models else ENTRANTS[:1]
    decisions = select([decide(report, champion, config, role) for role, _ in entrants])
    kind, decision = next(
        ((kind, found) for (_, kind), found in zip(entrants, decisions, strict=True) if found.verdict == "PROMOTE"),
        (entrants[0][1], decisions[0]),
    )
    write_decision(report, decision, folder / "reports" / day)
    adapter = newest_adapter(folder / "adapters", kind, day)
    if adapter is None:
        raise dg.Failure(f"{day} has no {kind} adapter; materialize {kind}_adapter first", allow_retries=False)
    promoted = promote(folder, decision, adapter)
    for reason in decision.reasons:
        context.log.info(f"{decision.verdict}: {reason}")
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
