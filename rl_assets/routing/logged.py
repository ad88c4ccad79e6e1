"""The drawn answers of a window as arrays, by segment: what estimates of other policies are made from.

DuckDB reads, joins, hashes and sorts; no answer becomes an object of Python. Sessions are sorted by their hash, so that
sums do not depend on the order in which answers were logged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from rl_assets.core import sql
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.routing.categories import create_category_macro
from rl_assets.routing.estimators import FOLDS, Answers, Floats, Integers
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import INTERACTIONS

NAMES = {"day_names": "answered_on", "category_names": "category", "arm_names": "arm"}


@dataclass(frozen=True)
class Support:
    """Per category and arm (categories x arms): how often an arm was drawn, and could have been.

    `rows` is a category's answers with a propensity (categories x 1), `drawn` those that drew the arm, `share` the
    share in which it could have been drawn. `deviation` is that of the sum of 1 / propensity from the number that is
    expected, in standard errors, NaN if the arm was never drawn. Propensities are NaN where none is known.
    """

    rows: Floats
    drawn: Floats
    share: Floats
    deviation: Floats
    min_propensity: Floats
    max_propensity: Floats


@dataclass(frozen=True)
class SegmentLog:
    """Rewarded, drawn answers of a segment, sorted by session: their codes, days and propensities (n).

    `days`, `categories` and `arms` are the names behind the codes; a missing propensity is NaN.
    """

    segment: str
    days: Sequence[date]
    categories: Sequence[str]
    arms: Sequence[str]
    answers: Answers
    day: Integers
    propensity: Floats
    support: Support

    def __len__(self) -> int:
        return len(self.day)

    def sessions(self) -> int:
        """How many sessions the answers are of."""
        return 1 + int(np.count_nonzero(np.diff(self.answers.session))) if len(self) else 0

    def select(self, chosen: NDArray[np.bool_]) -> "SegmentLog":
        """The answers chosen by a mask (n), in their order; not a copy of all."""
        if chosen.all():
            return self
        answers = Answers._make(part[chosen] for part in self.answers)
        return replace(self, answers=answers, day=self.day[chosen], propensity=self.propensity[chosen])


def register_choices(connection: duckdb.DuckDBPyConnection, lake: Lake, day: date) -> None:
    """Create the tables `choices`, of the answers that are rated as of the day, and `choice_support`."""
    register_view(connection, "rated", lake, RATED_INTERACTIONS, [day])
    days = connection.sql("SELECT DISTINCT landed_day FROM rated").fetchall()
    register_view(connection, "interactions", lake, INTERACTIONS, [landed for (landed,) in days])
    create_category_macro(connection)
    sql.create_temporary(connection, "choices", "routing/logged_choices")
    count_support(connection)


def count_support(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table `choice_support` from `choices`."""
    sql.create_temporary(connection, "choice_support", "routing/choice_support")


def segments(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The segments with a drawn, rewarded answer, by name."""
    rows = connection.sql("SELECT DISTINCT segment FROM choices WHERE reward IS NOT NULL ORDER BY segment").fetchall()
    return [segment for (segment,) in rows]


def read_segment(connection: duckdb.DuckDBPyConnection, segment: str) -> SegmentLog:
    """The drawn, rewarded answers of a segment, from the table `choices`."""
    days, categories, arms = (_names(connection, table, column, segment) for table, column in NAMES.items())
    columns = sql.select(connection, "routing/segment_answers", folds=FOLDS, segment=segment).fetchnumpy()
    day, fold, category, arm = (columns[name].astype(np.int64) for name in ("day", "fold", "category", "arm"))
    session = np.cumsum(np.diff(columns["session"], prepend=columns["session"][:1]) != 0)
    answers = Answers(session, fold, category, arm, columns["reward"])
    support = _support(connection, segment, categories, arms)
    return SegmentLog(segment, days, categories, arms, answers, day, columns["propensity"], support)


def _names(connection: duckdb.DuckDBPyConnection, table: str, column: str, segment: str) -> list[Any]:
    """Names of the segment's days, categories or arms, in order; their codes become the table."""
    statement = f"SELECT DISTINCT {column} AS name FROM choices WHERE segment = $segment"
    if column == "arm":
        statement += " UNION SELECT arm FROM choice_support WHERE segment = $segment"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT name, row_number() OVER (ORDER BY name) - 1 AS code "
        f"FROM ({statement})",
        {"segment": segment},
    )
    return [name for (name,) in connection.sql(f"SELECT name FROM {table} ORDER BY code").fetchall()]


def _support(
    connection: duckdb.DuckDBPyConnection, segment: str, categories: Sequence[str], arms: Sequence[str]
) -> Support:
    rows = connection.sql("FROM choice_support WHERE segment = $segment", params={"segment": segment}).fetchnumpy()
    where = tuple(_positions(names, rows[column]) for names, column in ((categories, "category"), (arms, "arm")))

    def table(values: Any, missing: float) -> Floats:
        filled = np.full((len(categories), len(arms)), missing)
        filled[where] = np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)
        return filled

    drawn, total = table(rows["answers"], 0.0), table(rows["category_answers"], 0.0)
    with_arms, possible = table(rows["answers_with_arms"], 0.0), table(rows["possible"], 0.0)
    size = total.max(axis=1, keepdims=True, initial=0.0)
    # Where no probabilities of arms were logged, an arm counts as possible that was ever drawn.
    share = (possible + (total - with_arms) * (drawn > 0)) / np.maximum(size, 1.0)
    deviation = table(rows["deviation"], np.nan)
    deviation[drawn == 0] = np.nan
    bounds = (table(rows["min_propensity"], np.nan), table(rows["max_propensity"], np.nan))
    return Support(size, drawn, share, deviation, *bounds)


def _positions(names: Sequence[str], values: Any) -> list[int]:
    positions = {name: position for position, name in enumerate(names)}
    return [positions[value] for value in values]
