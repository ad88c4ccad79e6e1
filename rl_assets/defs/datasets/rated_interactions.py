"""Rated answers as of each day, of which every dataset is built. They are rated in `rl_assets.datasets.ratings`."""

import dagster as dg

from rl_assets.datasets.ratings import rate_interactions
from rl_assets.defs.shared.metadata import Results, column_schema, materialized, published_metadata
from rl_assets.defs.shared.owners import DATA_TEAM
from rl_assets.defs.shared.partitions import days, one_run, trailing
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import load_settings
from rl_assets.tables.features import FEATURES
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS

WINDOW = trailing(load_settings().window_days)


@dg.asset(
    partitions_def=days,
    backfill_policy=one_run,
    deps=[dg.AssetDep(table.name, partition_mapping=WINDOW) for table in (INTERACTIONS, FEEDBACK, FEATURES)],
    group_name="datasets",
    kinds={"duckdb", "deltalake"},
    owners=DATA_TEAM,
    metadata={"dagster/column_schema": column_schema(RATED_INTERACTIONS)},
    pool="prompt_clusters",  # It describes the days of its window that have not been described.
)
def rated_interactions(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """Every answer of the trailing window with its reward, as known by the end of each day.

    The reward is human feedback, else a verifier's, else a judge's; missing is not zero. Texts stay in `interactions`.
    """
    versions = {}
    for day in context.partition_keys:
        published = rate_interactions(home.lake, home.window(day), home.duckdb_memory_limit, home.paths.benchmarks)
        versions[day] = published.sha256
        context.add_asset_metadata(published_metadata(published), partition_key=day)
    yield from materialized(context, RATED_INTERACTIONS.name, versions)
