"""Agents compared by what they answered. Comparing and drawing is `rl_assets.evaluation.ab`."""

import dagster as dg

from rl_assets.defs.adapters import OWNERS
from rl_assets.defs.judge import JUDGE_CAN_BE_BELIEVED, JudgeConfig, JudgeResource, judge_check
from rl_assets.defs.partitions import days
from rl_assets.defs.ratings import rated_interactions
from rl_assets.defs.resources import HomeResource
from rl_assets.evaluation.ab.compare import compare_agents, rated_answers
from rl_assets.evaluation.ab.judged import judge_agents
from rl_assets.evaluation.ab.render import write_ab_report
from rl_assets.evaluation.ab.wording import ab_headline, contest_rows, level_rows
from rl_assets.evaluation.markdown import escaped_table


@dg.asset(
    partitions_def=days,
    deps=[rated_interactions],
    check_specs=[dg.AssetCheckSpec("judge_can_be_believed", asset="ab_report", description=JUDGE_CAN_BE_BELIEVED)],
    group_name="reports",
    kinds={"duckdb", "matplotlib"},
    owners=OWNERS,
)
def ab_report(
    context: dg.AssetExecutionContext, home: HomeResource, judge: JudgeResource, config: JudgeConfig
) -> dg.MaterializeResult:
    """Agents against each other on logged answers: at one mix of categories, so that easy questions win nothing.

    By logged rewards, and by a judge on answers to the same prompts where one is configured.
    """
    day, folder = context.partition_key, home.folder / "reports" / context.partition_key / "ab"
    connection = rated_answers(home.lake, day, home.duckdb_memory_limit)
    asked = judge.judge(home.folder, config.max_judge_calls, context.log.info)
    judged = judge_agents(connection, asked, config.judge_pairs) if asked else []
    report = compare_agents(connection, day, judged, judge=asked is not None)
    write_ab_report(report, folder)
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": str(folder),
            "report": dg.MetadataValue.path(folder / "ab.html"),
            "headline": ab_headline(report),
            "agents": dg.MetadataValue.md(escaped_table(level_rows(report))),
            "contests": dg.MetadataValue.md(escaped_table(contest_rows(report))),
        },
        check_results=[judge_check("judge_can_be_believed", "ab_report", judged)],
    )
