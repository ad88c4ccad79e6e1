"""Agents compared by what they answered. Comparing and drawing is `rl_assets.evaluation.ab`."""

from pathlib import Path

import dagster as dg

from rl_assets.datasets.ratings import rated_as_of
from rl_assets.defs.annotation.judge import JUDGE_CAN_BE_BELIEVED, JudgeConfig, JudgeResource, judge_check
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.evaluation.reports import eval_report
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.ab.compare import compare_agents, rated_answers
from rl_assets.evaluation.ab.generated import generated_answers
from rl_assets.evaluation.ab.judged import judge_agents
from rl_assets.evaluation.ab.render import write_ab_report
from rl_assets.evaluation.ab.results import AbReport
from rl_assets.evaluation.ab.wording import ab_headline, contest_rows, level_rows
from rl_assets.evaluation.log.logged_agreement import logged_agreement
from rl_assets.evaluation.log.wording import agreement_sentence
from rl_assets.evaluation.report.markdown import escaped_table
from rl_assets.evaluation.report.render import read_report


@dg.asset(
    partitions_def=days,
    deps=[rated_interactions],
    check_specs=[dg.AssetCheckSpec("judge_can_be_believed", asset="ab_report", description=JUDGE_CAN_BE_BELIEVED)],
    group_name="reports",
    kinds={"duckdb", "matplotlib"},
    owners=MODEL_TEAM,
)
def ab_report(
    context: dg.AssetExecutionContext, home: HomeResource, judge: JudgeResource, config: JudgeConfig
) -> dg.MaterializeResult:
    """Agents against each other on logged answers: at one mix of categories, so that easy questions win nothing.

    By logged rewards, and by a judge on answers to the same prompts where one is configured.
    """
    day, folder = context.partition_key, home.paths.reports(context.partition_key) / "ab"
    connection = rated_answers(home.lake, day, home.duckdb_memory_limit)
    asked = judge.judge(home.paths, config.max_judge_calls, context.log.info)
    judged = judge_agents(connection, asked, config.judge_pairs) if asked else None
    agreement = logged_agreement(rated_as_of(home.lake, home.window(day), home.duckdb_memory_limit))
    report = compare_agents(connection, day, judged, agreement=agreement)
    return _shown(report, folder, "ab_report")


@dg.asset(
    partitions_def=days,
    deps=[eval_report],
    check_specs=[
        dg.AssetCheckSpec("judge_can_be_believed", asset="adapter_ab_report", description=JUDGE_CAN_BE_BELIEVED)
    ],
    group_name="reports",
    kinds={"duckdb", "matplotlib"},
    owners=MODEL_TEAM,
)
def adapter_ab_report(
    context: dg.AssetExecutionContext, home: HomeResource, judge: JudgeResource, config: JudgeConfig
) -> dg.MaterializeResult:
    """The day's adapters, their base and the champion against each other, on the answers that eval_report generated.

    By the primary metric, and by a judge where one is configured; at one mix of categories.
    """
    day, reports = context.partition_key, home.paths.reports(context.partition_key)
    connection = generated_answers(reports, home.duckdb_memory_limit)
    asked = judge.judge(home.paths, config.max_judge_calls, context.log.info)
    judged = judge_agents(connection, asked, config.judge_pairs) if asked else None
    notes = read_report(reports).not_asked
    report = compare_agents(connection, day, judged, answers="held-out prompts", notes=notes)
    return _shown(report, reports / "ab-adapters", "adapter_ab_report")


def _shown(report: AbReport, folder: Path, asset: str) -> dg.MaterializeResult:
    """Write the report, and show its tables."""
    write_ab_report(report, folder)
    agreement = {"agreement": agreement_sentence(report.agreement)} if report.agreement else {}
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": str(folder),
            "report": dg.MetadataValue.path(folder / "ab.html"),
            "headline": ab_headline(report),
            "agents": dg.MetadataValue.md(escaped_table(level_rows(report))),
            "contests": dg.MetadataValue.md(escaped_table(contest_rows(report))),
            **agreement,
        },
        check_results=[judge_check("judge_can_be_believed", asset, report.judged)],
    )
