"""Rated answers as of each day, from which every dataset is built. Rating is `rl_assets.datasets.ratings`."""

import dagster as dg

from rl_assets.datasets.ratings import rate_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.partitions import trailing
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.settings import load_settings
from rl_assets.tables.features import FEATURES
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS

WINDOW = trailing(load_settings().window_days)


@table_asset(
    RATED_INTERACTIONS,
    deps=[dg.AssetDep(table.name, partition_mapping=WINDOW) for table in (INTERACTIONS, FEEDBACK, FEATURES)],
    # It describes the days of its window that have not been described.
    pool="prompt_clusters",
)
def rated_interactions(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """Every answer of the trailing window with its reward, as known by the end of each day.

    The reward is human feedback, else a verifier's, else a judge's; missing is not zero. Texts stay in `interactions`.
    """

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, INTERACTIONS, day)
        window, limit = home.window(day), home.duckdb_memory_limit
        return PublishedDay.of_table(
            rate_interactions(home.lake, window, limit, home.paths.benchmarks, home.prompt_rules)
        )

    yield from publish_days(context, publish)
