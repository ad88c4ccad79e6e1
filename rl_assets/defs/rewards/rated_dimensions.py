"""Ratings by name and source as of each day. The work is `rl_assets.datasets.dimensions`."""

from typing import Any

import dagster as dg

from rl_assets.datasets.dimensions import (
    MIN_ALPHA,
    MIN_RATED_TWICE,
    Agreement,
    agreements,
    connect_to_ratings,
    noise,
    publish_dimensions,
)
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.tables.rated_dimensions import RATED_DIMENSIONS
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS

GROUP = "rewards"
PEOPLE_AGREE = "people_agree_on_dimensions"


@table_asset(
    RATED_DIMENSIONS,
    deps=[rated_interactions],
    group=GROUP,
    checks={
        PEOPLE_AGREE: f"On every dimension of which {MIN_RATED_TWICE} answers or more were rated twice, people agree "
        f"beyond chance (Krippendorff's alpha of at least {MIN_ALPHA}). Others are not learned."
    },
)
def rated_dimensions(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """Ratings of the window's answers by dimension (overall, faithfulness, ...) and source; people and machines apart.

    One row per answer, dimension and source: the mean over raters of their latest value.
    """

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, RATED_INTERACTIONS, day)
        window = home.window(day)
        connection = connect_to_ratings(home.lake, window, home.duckdb_memory_limit)
        published, found = publish_dimensions(connection, home.lake, window), agreements(connection)
        return PublishedDay.of_table(published, [_people_agree(found)], agreement=markdown_table(map(_row, found)))

    yield from publish_days(context, publish)


def _people_agree(found: list[Agreement]) -> dg.AssetCheckResult:
    """Yellow if people rated a dimension too much like chance for a model to learn it."""
    bad = noise(found)
    return dg.AssetCheckResult(
        check_name=PEOPLE_AGREE,
        passed=not bad,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"People agree hardly more than by chance: {'; '.join(map(str, bad))} (at least {MIN_ALPHA} is "
        "needed). dimension_rewards does not learn such a dimension: it would reward chance. Write down for raters "
        "what its values mean, with an example of each, and let them rate again"
        if bad
        else None,
        metadata={one.dimension: one.alpha.mean for one in found if one.alpha is not None},
    )


def _row(one: Agreement) -> dict[str, Any]:
    return {
        "dimension": one.dimension,
        "answers": one.answers,
        "rated twice": one.rated_twice,
        "alpha": "–" if one.alpha is None else f"{one.alpha:.2f}",
    }
