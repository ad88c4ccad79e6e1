"""The report on where answers are strong and weak. Its numbers are made in `rl_assets.evaluation.self_analysis`."""

from datetime import date

import dagster as dg

from rl_assets.datasets.ratings import rated_as_of
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.partitions import day_check, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.self_analysis.analysis import MIN_RATED, analyse, cells_of
from rl_assets.evaluation.self_analysis.report import NAME, headline, write_self_analysis
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS

ENOUGH = "enough_answers_are_rated"


@dg.asset(
    name=NAME,
    partitions_def=days,
    deps=[rated_interactions],
    group_name="rewards",
    kinds={"duckdb"},
    owners=MODEL_TEAM,
    check_specs=[day_check(ENOUGH, NAME, f"At least {MIN_RATED} answers of the window are rated.")],
)
def self_analysis(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Which agents are weak and strong in which kinds of questions, by the ends of intervals, and what people blame.

    An observation of the log: agents saw other questions. `ab_report` compares them on one mix.
    """
    day, folder = context.partition_key, home.paths.reports(context.partition_key) / NAME
    require_input(context, home.lake, RATED_INTERACTIONS, day)
    connection = rated_as_of(home.lake, home.window(day), home.duckdb_memory_limit)
    analysis = analyse(connection, date.fromisoformat(day))
    write_self_analysis(analysis, folder)
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": str(folder),
            "report": dg.MetadataValue.path(folder / f"{NAME}.html"),
            "headline": headline(analysis),
            "rated": analysis.rated,
            "weak": len(cells_of(analysis, "weak")),
            "strong": len(cells_of(analysis, "strong")),
            "gaps": len(analysis.gaps),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=ENOUGH,
                passed=analysis.missing is None,
                severity=dg.AssetCheckSeverity.WARN,
                description=analysis.missing,
                metadata={"rated": analysis.rated},
            )
        ],
    )
