"""The nights of an epoch: from rows of evidence to what they say together, each cluster counted once.

A cluster counts on the first night that asked it. A night that is run again replaces its own rows, so nothing is
counted twice, and neither the order of files nor that of runs changes the result.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_assets.evaluation.promotion.evidence import STAKES, lower_bound, night_of, weigh
from rl_assets.evaluation.schema.evidence import THRESHOLD, ClusterDifference, Evidence
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.judging.balance import LARGEST_WEIGHT, length_weights
from rl_assets.lake.delta import Lake
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE

ByDay = dict[date, list[ClusterDifference]]


def earlier_nights(lake: Lake, primary: Primary, segment: str | None, lineage: str, before: date) -> ByDay:
    """The recorded evidence of the epoch's nights before a day."""
    days = [day for day in lake.days(DECISION_EVIDENCE) if date.fromisoformat(primary.day) <= day < before]
    if not days:
        return {}
    nights: ByDay = {}
    for row in lake.read(DECISION_EVIDENCE, days).to_table().to_pylist():
        if (row["epoch"], row["segment"], row["lineage"]) == (primary.epoch, segment, lineage):
            kept = ClusterDifference(**{name: row[name] for name in ClusterDifference.model_fields})
            nights.setdefault(row["day"], []).append(kept)
    return nights


def evidence_rows(
    day: date,
    primary: Primary,
    segment: str | None,
    lineage: str,
    models: tuple[str, str],
    found: Iterable[ClusterDifference],
) -> list[dict[str, Any]]:
    """Rows of DECISION_EVIDENCE for a night; `models` are the weights under decision and those they would replace."""
    named = {"day": day, "segment": segment, "epoch": primary.epoch, "lineage": lineage, "metric": primary.metric}
    return [named | {"model": models[0], "against": models[1]} | row.model_dump() for row in found]


def counted_once(nights: ByDay) -> ByDay:
    """The nights without the clusters that an earlier one had counted, by day."""
    seen: set[str] = set()
    counted: ByDay = {}
    for day in sorted(nights):
        counted[day] = [row for row in nights[day] if row.cluster not in seen]
        seen |= {row.cluster for row in nights[day]}
    return counted


def weigh_nights(nights: ByDay, judged: bool, threshold: float = THRESHOLD) -> Evidence:
    """What all nights say; `judged` balances answer lengths over the whole epoch before verdicts are bet on."""
    counted = counted_once(nights)
    differences = _balanced(counted) if judged else [_values(counted[day]) for day in counted]
    # A balanced verdict is divided by its largest weight, so the stakes are twice as large.
    stakes = 2 * STAKES if judged else STAKES
    found = weigh([night_of(night, stakes) for night in differences], threshold, stakes)
    everything = np.concatenate(differences) if differences else np.empty(0)
    tonight = differences[-1] if differences else np.empty(0)
    return found.model_copy(
        update={
            # A night without a new cluster rejects nothing, whatever the one before it did.
            "rejected_tonight": found.rejected_tonight and len(tonight) > 0,
            "lower": lower_bound(everything, threshold, stakes) if len(everything) else None,
            "unbalanced": _unbalanced_share(counted) if judged else 0.0,
            "tonight": len(tonight),
            "tonight_mean": float(tonight.mean()) if len(tonight) else None,
        }
    )


def _values(rows: Sequence[ClusterDifference]) -> NDArray[np.float64]:
    return np.array([row.difference for row in rows], dtype=np.float64)


def _balanced(nights: ByDay) -> list[NDArray[np.float64]]:
    """Weighted verdicts of each night over the largest weight; pairs that cannot be balanced are not bet on."""
    rows = [row for day in nights for row in nights[day]]
    weights = length_weights([row.log_length_ratio or 0.0 for row in rows])
    values = weights * _values(rows) / LARGEST_WEIGHT
    ends = np.cumsum([len(nights[day]) for day in nights])[:-1]
    parts = zip(np.split(values, ends), np.split(weights > 0, ends), strict=True) if rows else ()
    return [night[kept] for night, kept in parts]


def _unbalanced_share(nights: ByDay) -> float:
    """The share of judged pairs whose lengths cannot be balanced."""
    rows = [row for night in nights.values() for row in night]
    weights = length_weights([row.log_length_ratio or 0.0 for row in rows])
    return float((weights == 0).mean()) if rows else 0.0
