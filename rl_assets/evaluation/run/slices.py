"""Where the difference is: one metric by agent, category and segment, corrected for looking at all of them."""

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from rl_assets.evaluation.run.columns import Column
from rl_assets.evaluation.run.inputs import Item
from rl_assets.evaluation.schema.report import Dimension, Slice, SliceVerdict
from rl_assets.metrics.statistics import Interval, holm

# Below this a bootstrap over clusters claims more than it can know.
MIN_CLUSTERS = 20
MAX_VALUES = 20
ALPHA = 0.05
NO_VALUE = "(none)"


def slices(items: Sequence[Item], ours: Column, theirs: Column) -> list[Slice]:
    """A slice for each value of each dimension that has several, the largest first, at most 20 per dimension.

    The columns hold one row per item. Raises ValueError if they do not.
    """
    if not len(items) == len(ours) == len(theirs):
        raise ValueError(f"{len(items)} items, columns of {len(ours)} and {len(theirs)} rows: must be as many")
    named = [(dimension, value, rows) for dimension in get_args(Dimension) for value, rows in _rows(items, dimension)]
    candidates = [ours.rows(rows).interval() for _, _, rows in named]
    differences = [ours.rows(rows).difference(theirs.rows(rows)) for _, _, rows in named]
    return [
        Slice(
            dimension=dimension,
            value=value,
            candidate=own,
            difference=difference,
            p_holm=p,
            verdict=_verdict(difference, p),
        )
        for (dimension, value, _), own, difference, p in zip(
            named, candidates, differences, _adjusted(differences), strict=True
        )
    ]


def _rows(items: Sequence[Item], dimension: Dimension) -> list[tuple[str, list[int]]]:
    values = [getattr(item, dimension) or NO_VALUE for item in items]
    counts = Counter(values)
    kept = sorted(counts, key=lambda value: (-counts[value], value))[:MAX_VALUES]
    if len(counts) < 2:
        return []
    return [(value, [row for row, own in enumerate(values) if own == value]) for value in kept]


def _adjusted(differences: Sequence[Interval]) -> list[float | None]:
    tested = [
        row
        for row, difference in enumerate(differences)
        if difference.p is not None and difference.clusters >= MIN_CLUSTERS
    ]
    adjusted = dict(zip(tested, holm([differences[row].p or 0.0 for row in tested]), strict=True))
    return [adjusted.get(row) for row in range(len(differences))]


def _verdict(difference: Interval, p: float | None) -> SliceVerdict:
    if p is None:
        return "too few clusters"
    if p >= ALPHA:
        return "not significant"
    return "better" if difference.mean > 0 else "worse"
