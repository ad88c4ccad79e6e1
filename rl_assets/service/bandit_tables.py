"""What the router has learned, as the newest day of the table `bandit_state` says: a row per segment, category, arm."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from rl_assets.lake.delta import Lake
from rl_assets.service.errors import ServiceError

TABLE = "bandit_state"
COMMAND = f"dg launch --assets {TABLE} --partition <day>"
Row = dict[str, Any]


def newest_state(lake: Lake, brand: str | None) -> list[Row]:
    """The rows of the newest day, of one segment if a brand is given. Raises ServiceError (503) if there is none."""
    try:
        table = DeltaTable(f"{lake.url.rstrip('/')}/{TABLE}")
    except TableNotFoundError:
        raise _missing() from None
    days = sorted(str(partition["day"]) for partition in table.partitions())
    if not days:
        raise _missing()
    rows = table.to_pyarrow_table(partitions=[("day", "=", days[-1])]).to_pylist()
    return [row for row in rows if brand is None or row["segment"] == brand]


def statistics(rows: Iterable[Row]) -> list[Row]:
    """The rows as JSON values."""
    return [{name: str(value) if name == "day" else value for name, value in row.items()} for row in rows]


def leaderboard(rows: list[Row]) -> list[Row]:
    """Arms by their mean reward at one mix of categories, that of all answers, the best first.

    An arm is compared on the categories in which it was rewarded; `categories_won` counts those where its mean is best.
    """
    weights: defaultdict[tuple[Any, Any], int] = defaultdict(int)
    best: dict[tuple[Any, Any], float] = {}
    for row in rows:
        place = (row["segment"], row["category"])
        weights[place] += row["answers"]
        best[place] = max(best.get(place, 0.0), row["mean"])
    entries = []
    for segment, arm in sorted({(row["segment"], row["arm"]) for row in rows}, key=str):
        own = [row for row in rows if (row["segment"], row["arm"]) == (segment, arm)]
        weight = [weights[segment, row["category"]] or 1 for row in own]
        entries.append(
            {
                "segment": segment,
                "arm": arm,
                "mean": _mean(own, weight, "mean"),
                "low": _mean(own, weight, "low"),
                "high": _mean(own, weight, "high"),
                "share": _mean(own, weight, "share"),
                "answers": sum(row["answers"] for row in own),
                "rewarded": sum(row["rewarded"] for row in own),
                "categories_won": sum(row["mean"] >= best[segment, row["category"]] for row in own),
            }
        )
    return sorted(entries, key=lambda entry: -entry["mean"])


def _mean(rows: list[Row], weights: list[int], name: str) -> float:
    return float(sum(row[name] * weight for row, weight in zip(rows, weights, strict=True)) / sum(weights))


def _missing() -> ServiceError:
    return ServiceError(503, f"there is no {TABLE} yet: run `{COMMAND}`", headers={"Retry-After": "3600"})
