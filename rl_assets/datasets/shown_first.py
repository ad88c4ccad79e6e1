"""Whether people favour the answer that they see first, over the comparisons of a window."""

from dataclasses import dataclass

import duckdb

from rl_assets.core import sql
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.lake.delta import Lake
from rl_assets.metrics.statistics import Interval, wilson

FAIR = 0.5


@dataclass(frozen=True)
class ShownFirst:
    """Of `decided` comparisons that say which answer was shown first, how often that one won."""

    decided: int
    first_won: int

    @property
    def share(self) -> Interval | None:
        """Share of the first, with Wilson's 95 % interval; None without a comparison."""
        return wilson(self.first_won, self.decided) if self.decided else None

    @property
    def is_biased(self) -> bool:
        """Whether a fair order is excluded: raters favour the first answer, or the second."""
        share = self.share
        return share is not None and not (share.low or 0.0) <= FAIR <= (share.high or 0.0)


def read_shown_first(lake: Lake, window: Window, memory_limit: str = "2GB") -> ShownFirst:
    """The comparisons of the window, as known by the end of its day; `rated_interactions` of the day is published."""
    return count_shown_first(rated_as_of(lake, window, memory_limit))


def count_shown_first(connection: duckdb.DuckDBPyConnection) -> ShownFirst:
    """The same on a connection with `rated` and `first_feedback`."""
    sql.create_view(connection, "decided_comparisons", "ratings/decided_comparisons")
    (counts,) = connection.sql("SELECT count(*), count(*) FILTER (first_won) FROM decided_comparisons").fetchall()
    return ShownFirst(*counts)
