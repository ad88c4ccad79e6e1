"""The report on what people said of the window's answers. Its numbers are made in `rl_assets.evaluation.feedback`."""

from datetime import date

import dagster as dg

from rl_assets.datasets.ratings import rated_as_of
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.feedback.insights import feedback_insights as insights_of
from rl_assets.evaluation.feedback.report import feedback_headline, ratings_table, write_insights
from rl_assets.evaluation.report.markdown import markdown_table
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS


@dg.asset(
    partitions_def=days,
    deps=[rated_interactions],
    group_name="reports",
    kinds={"duckdb"},
    owners=MODEL_TEAM,
)
def feedback_insights(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """What people said of the window's answers, by segment, agent and adapter: ratings, verdicts by kind, agreement.

    And how often the answer that was shown first won, of two that were compared.
    """
    day, folder = context.partition_key, home.paths.reports(context.partition_key) / "feedback"
    require_input(context, home.lake, RATED_INTERACTIONS, day)
    connection = rated_as_of(home.lake, home.window(day), home.duckdb_memory_limit)
    insights = insights_of(connection, date.fromisoformat(day))
    write_insights(insights, folder)
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": str(folder),
            "report": dg.MetadataValue.path(folder / "feedback.html"),
            "headline": feedback_headline(insights),
            "ratings": dg.MetadataValue.md(markdown_table(ratings_table(insights))),
        },
    )
