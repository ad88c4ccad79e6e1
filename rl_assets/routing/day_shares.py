"""The router's shares over days, as `bandit_state` had them: history of the report on policies."""

from datetime import date

import duckdb

from rl_assets.core import sql
from rl_assets.core.validation import Record
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.tables.bandit_state import BANDIT_STATE

MAX_DAYS = 60


class DayShare(Record):
    """The mean share of an arm over a segment's answers in all categories, as `bandit_state` had it on a day."""

    segment: str
    day: date
    arm: str
    share: float


def read_day_shares(connection: duckdb.DuckDBPyConnection, lake: Lake, day: date) -> list[DayShare]:
    """The shares of the days until then, at most the last 60 that there are; empty before the first."""
    days = [known for known in lake.days(BANDIT_STATE) if known <= day][-MAX_DAYS:]
    register_view(connection, BANDIT_STATE.name, lake, BANDIT_STATE, days)
    rows = sql.select(connection, "routing/day_shares").to_arrow_table().to_pylist()
    return [DayShare(**row) for row in rows]
