"""`rated_dimensions` as of a day, and how far people agree on each name of rating."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from rl_assets.core import sql
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.lake.delta import Lake, Published
from rl_assets.metrics.krippendorff import krippendorff_alpha
from rl_assets.metrics.statistics import Interval
from rl_assets.tables.rated_dimensions import RATED_DIMENSIONS

# Below this, ratings of people are too near to chance to learn from, if as many answers were rated twice.
MIN_ALPHA, MIN_RATED_TWICE = 0.2, 50


@dataclass(frozen=True)
class Agreement:
    """How far people agree on one dimension: Krippendorff's alpha over the answers that two of them rated or more.

    `alpha` is None if there are none, or all of their ratings are equal.
    """

    dimension: str
    answers: int
    rated_twice: int
    alpha: Interval | None

    @property
    def is_noise(self) -> bool:
        """Whether people agree too little for anything to be learned from them."""
        return self.alpha is not None and self.alpha.mean < MIN_ALPHA and self.rated_twice >= MIN_RATED_TWICE

    def __str__(self) -> str:
        """As "appropriateness: alpha 0.05 [-0.03, 0.12] on 477 answers"."""
        alpha = "undefined, all ratings are equal" if self.alpha is None else f"{self.alpha:.2f}"
        return f"{self.dimension}: alpha {alpha} on {self.rated_twice} answers"


def connect_to_ratings(lake: Lake, window: Window, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """A connection that sees `dimension_ratings` besides what dataset builders see."""
    connection = rated_as_of(lake, window, memory_limit)
    sql.create_table(connection, "dimension_ratings", "ratings/dimension_ratings")
    return connection


def publish_dimensions(connection: duckdb.DuckDBPyConnection, lake: Lake, window: Window) -> Published:
    """Publish `rated_dimensions` as of the window's day."""
    rows = sql.select(connection, "ratings/rated_dimensions", day=window.day)
    return lake.publish(RATED_DIMENSIONS, window.day, rows.to_arrow_reader(50_000))


def agreements(connection: duckdb.DuckDBPyConnection) -> list[Agreement]:
    """Agreement of people on each dimension that they rated, by name; clusters are sessions, else prompt clusters."""
    units = sql.select(connection, "ratings/ratings_of_people").to_arrow_table().to_pylist()
    names = sorted({unit["dimension"] for unit in units})
    return [_agreement(name, [unit for unit in units if unit["dimension"] == name]) for name in names]


def _agreement(dimension: str, units: list[dict[str, object]]) -> Agreement:
    ratings: list[list[float]] = [unit["ratings"] for unit in units]  # type: ignore[misc]
    alpha = krippendorff_alpha(ratings, [str(unit["unit"]) for unit in units])
    return Agreement(dimension, len(units), sum(len(values) > 1 for values in ratings), alpha)


def noise(found: Iterable[Agreement]) -> list[Agreement]:
    """The dimensions that are not learned because people cannot agree on them."""
    return [agreement for agreement in found if agreement.is_noise]
