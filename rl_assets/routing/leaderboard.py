"""Arms by their mean reward at one mix of categories: an arm that gets the easy questions is not better for it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]


def leaderboard(rows: Sequence[Row]) -> list[Row]:
    """Arms of rows of `bandit_state` by their mean reward at the mix of all answers, the best first.

    Bounds and shares are averages at the same mix; `categories_won` counts those where the mean is the best.
    """
    weights: defaultdict[tuple[Any, Any], int] = defaultdict(int)
    best: defaultdict[tuple[Any, Any], float] = defaultdict(float)
    own: defaultdict[tuple[Any, Any], list[Row]] = defaultdict(list)
    for row in rows:
        place = (row["segment"], row["category"])
        weights[place] += row["answers"]
        best[place] = max(best[place], row["mean"])
        own[row["segment"], row["arm"]].append(row)
    entries = []
    for segment, arm in sorted(own, key=str):
        rows_of_arm = own[segment, arm]
        weight = [weights[segment, row["category"]] or 1 for row in rows_of_arm]
        entries.append(
            {
                "segment": segment,
                "arm": arm,
                **{name: _mean(rows_of_arm, weight, name) for name in ("mean", "low", "high", "share")},
                "answers": sum(row["answers"] for row in rows_of_arm),
                "rewarded": sum(row["rewarded"] for row in rows_of_arm),
                "categories_won": sum(row["mean"] >= best[segment, row["category"]] for row in rows_of_arm),
            }
        )
    return sorted(entries, key=lambda entry: -entry["mean"])


def _mean(rows: list[Row], weights: list[int], name: str) -> float:
    return float(sum(row[name] * weight for row, weight in zip(rows, weights, strict=True)) / sum(weights))
