"""What the router has learned, as the newest day of the table `bandit_state` says: a row per segment, category, arm."""

from collections.abc import Iterable
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from rl_assets.lake.delta import Lake
from rl_assets.service.errors import ServiceError

TABLE = "bandit_state"
COMMAND = f"dg launch --assets {TABLE} --partition <day>"
Row = dict[str, Any]


def newest_state(lake: Lake, brand: str | None) -> tuple[str, list[Row]]:
    """The newest day and its rows, of one segment if a brand is given. Raises ServiceError (503) if there is none."""
    try:
        table = DeltaTable(f"{lake.url.rstrip('/')}/{TABLE}")
    except TableNotFoundError:
        raise _missing() from None
    days = sorted(str(partition["day"]) for partition in table.partitions())
    if not days:
        raise _missing()
    rows = table.to_pyarrow_table(partitions=[("day", "=", days[-1])]).to_pylist()
    return days[-1], [row for row in rows if brand is None or row["segment"] == brand]


def statistics(rows: Iterable[Row]) -> list[Row]:
    """The rows as JSON values."""
    return [{name: str(value) if name == "day" else value for name, value in row.items()} for row in rows]


def _missing() -> ServiceError:
    return ServiceError(503, f"there is no {TABLE} yet: run `{COMMAND}`", headers={"Retry-After": "3600"})
