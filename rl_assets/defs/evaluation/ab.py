"""Reports that compare agents, and adapters, by their answers. The statistics are in `rl_assets.evaluation.ab`."""

from pathlib import Path

import dagster as dg

from rl_assets.datasets.ratings import rated_as_of
from rl_assets.defs.annotation.judge import JUDGE_IS_RELIABLE, JudgeConfig, JudgeResource, judge_check
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.evaluation.reports import eval_report
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import day_check, days
from rl_assets.defs.shared.permanent_errors import without_retries
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.ab.compare import compare_agents, rated_answers
from rl_assets.evaluation.ab.judge import judge_agents
from rl_assets.evaluation.ab.report import ab_headline, comparisons_table, scores_table, write_ab_report
from rl_assets.evaluation.ab.results import AbReport
from rl_assets.evaluation.log.production import logged_agreement
from rl_assets.evaluation.report.feedback_sections import agreement_sentence
from rl_assets.evaluation.report.files import read_report
from rl_assets.evaluation.report.markdown import markdown_table
from rl_assets.evaluation.run.answers import generated_answers
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS


@dg.asset(
    partitions_def=days,
    deps=[rated_interactions],
    check_specs=[day_check("judge_is_reliable", "ab_report", JUDGE_IS_RELIABLE)],
    group_name="reports",
    kinds={"duckdb", "matplotlib"},
    owners=MODEL_TEAM,
)
def ab_report(
    context: dg.AssetExecutionContext, home: HomeResource, judge: JudgeResource, config: JudgeConfig
) -> dg.MaterializeResult:
    """Agents against each other on logged answers, adjusted to one mix of categories: easy questions give no advantage.

    By logged rewards, and by a judge on answers to the same prompts if one is configured.
    """
    day, folder = context.partition_key, home.paths.reports(context.partition_key) / "ab"
    require_input(context, home.lake, RATED_INTERACTIONS, day)
    connection = rated_answers(home.lake, day, home.duckdb_memory_limit)
    service = judge.judge(home.paths, config.max_judge_calls, context.log.info)
    verdicts = judge_agents(connection, service, config.judge_pairs) if service else None
    agreement = logged_agreement(rated_as_of(home.lake, home.window(day), home.duckdb_memory_limit))
    report = compare_agents(connection, day, verdicts, agreement=agreement)
    return _written(report, folder, "ab_report")


@dg.asset(
    partitions_def=days,
    deps=[eval_report],
    check_specs=[day_check("judge_is_reliable", "adapter_ab_report", JUDGE_IS_RELIABLE)],
    group_name="reports",
    kinds={"duckdb", "matplotlib"},
    owners=MODEL_TEAM,
)
def adapter_ab_report(
    context: dg.AssetExecutionContext, home: HomeResource, judge: JudgeResource, config: JudgeConfig
) -> dg.MaterializeResult:
    """The day's adapters, their base and the champion against each other, on the answers that `eval_report` generated.

    By the primary metric, and by a judge if one is configured; adjusted to one mix of categories.
    """
    day, reports = context.partition_key, home.paths.reports(context.partition_key)
    with without_retries():
        connection = generated_answers(reports, home.duckdb_memory_limit)
    service = judge.judge(home.paths, config.max_judge_calls, context.log.info)
    verdicts = judge_agents(connection, service, config.judge_pairs) if service else None
    notes = read_report(reports).not_evaluated
    report = compare_agents(connection, day, verdicts, answers="held-out prompts", notes=notes)
    return _written(report, reports / "ab-adapters", "adapter_ab_report")


def _written(report: AbReport, folder: Path, asset: str) -> dg.MaterializeResult:
    """Write the report; its tables are metadata."""
    write_ab_report(report, folder)
    agreement = {"agreement": agreement_sentence(report.agreement)} if report.agreement else {}
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": str(folder),
            "report": dg.MetadataValue.path(folder / "ab.html"),
            "headline": ab_headline(report),
            "agents": dg.MetadataValue.md(markdown_table(scores_table(report))),
            "comparisons": dg.MetadataValue.md(markdown_table(comparisons_table(report))),
            **agreement,
        },
        check_results=[judge_check("judge_is_reliable", asset, report.judge)],
    )
