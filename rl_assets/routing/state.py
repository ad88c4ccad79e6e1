"""`bandit_state` as of a day, and the shares that are drawn by from the next day on. Rebuilt from the log each time.

Counts are made in SQL; what is done here is done per arm and category, not per answer.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.datasets.ratings import Window, landed_days
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.models.served_names import PRODUCT
from rl_assets.routing.categories import create_category_macro
from rl_assets.routing.cells import Cell, cells_of, pooled
from rl_assets.routing.config import RouterFile
from rl_assets.routing.learned import LearnedShares
from rl_assets.routing.thompson import CellShares, cell_shares
from rl_assets.tables.bandit_state import BANDIT_STATE
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import INTERACTIONS

Shares = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class State:
    """What is known as of a day: cells by segment and category, and the shares of each."""

    day: str
    cells: Sequence[Cell]
    shares: Sequence[CellShares]


def count_answers(lake: Lake, window: Window, router: RouterFile, memory_limit: str = "2GB") -> pa.Table:
    """The counts of `sql/routing/bandit_state.sql` over the window, as of its day."""
    connection = sql.connect(memory_limit)
    create_category_macro(connection)
    register_view(connection, "rated", lake, RATED_INTERACTIONS, [window.day])
    register_view(connection, "interactions", lake, INTERACTIONS, landed_days(lake, window))
    rows = sql.select(
        connection,
        "routing/bandit_state",
        arms=router.arms,
        categories=router.categories,
        day=window.day,
        discount=router.discount,
        horizon_days=router.horizon_days,
    )
    return rows.to_arrow_table()


def learn(day: str, counts: pa.Table, router: RouterFile) -> State:
    """The state that counts make."""
    cells = cells_of(counts, router)
    # numpy draws outside of the interpreter's lock, and each cell has a seed of its own.
    with ThreadPoolExecutor() as threads:
        return State(day, cells, list(threads.map(partial(cell_shares, day, router=router), cells)))


def state_rows(state: State) -> pa.Table:
    """The rows of `bandit_state` of the day."""
    tables = [_rows(state.day, cell, own) for cell, own in zip(state.cells, state.shares, strict=True)]
    return pa.concat_tables(tables).cast(BANDIT_STATE.schema) if tables else BANDIT_STATE.schema.empty_table()


def _rows(day: str, cell: Cell, shares: CellShares) -> pa.Table:
    low, high = cell.bounds
    size = len(cell.arms)
    columns = {
        "day": pa.array([day] * size).cast(pa.date32()),
        "segment": pa.array([cell.segment] * size, pa.string()),
        "category": [cell.category] * size,
        "arm": list(cell.arms),
        **{name: pa.array(getattr(cell, name).astype(np.int64)) for name in ("answers", "rewarded")},
        **{name: getattr(cell, name) for name in ("reward_sum", "prior_pulls", "prior_reward", "alpha", "beta")},
        "mean": cell.mean,
        "low": low,
        "high": high,
        "probability_best": shares.probability_best,
        "share": shares.share,
        "limited_by": pa.array(shares.limited_by, pa.string()),
    }
    return pa.table(columns)


def shares_to_draw_by(state: State, router: RouterFile, salt: str) -> LearnedShares:
    """The shares of all segments, in each of their categories and in any other.

    Where every answer has a segment, the product's are those of all segments together. Arms that may not be drawn are
    left out, and with them a category in which none may be.
    """
    cells = {segment or PRODUCT: list(own) for segment, own in groupby(state.cells, key=lambda cell: cell.segment)}
    pools = {name: pooled(own, own[0].segment, router) for name, own in cells.items()}
    if cells:
        pools.setdefault(PRODUCT, pooled(state.cells, None, router))
    known = [*zip(state.cells, state.shares, strict=True)]
    known += [(pool, cell_shares(state.day, pool, router)) for pool in pools.values()]
    shares: Shares = {}
    new: dict[str, dict[str, list[str]]] = {}
    for cell, own in known:
        if drawn := _drawable(cell, own):
            shares.setdefault(cell.segment or PRODUCT, {})[cell.category] = drawn
        if arms := [arm for arm, status in zip(cell.arms, cell.status, strict=True) if status == "new"]:
            new.setdefault(cell.segment or PRODUCT, {})[cell.category] = arms
    return LearnedShares(day=state.day, salt=salt, shares=shares, new=new)


def _drawable(cell: Cell, shares: CellShares) -> dict[str, float]:
    limits = zip(cell.arms, shares.share.tolist(), shares.limited_by, strict=True)
    return {arm: share for arm, share, limited_by in limits if limited_by not in ("disabled", "undeclared")}
