"""Raw scores of one model on one metric, row by row: what figures and paired differences are estimated from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from rl_assets.metrics.bleu import BleuColumn
from rl_assets.metrics.statistics import Interval, interval, rate_difference


@dataclass(frozen=True)
class Column:
    """One model's metric: parallel values, weights, clusters; the figure is sum(values) / sum(weights)."""

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    clusters: list[str]

    def interval(self) -> Interval:
        """The figure with its interval."""
        return interval(self.values, self.clusters, self.weights)

    def __len__(self) -> int:
        return len(self.clusters)

    def less(self, other: "Column") -> Interval:
        """This figure less the other's, paired row by row. Raises ValueError if the rows are not the same."""
        if self.clusters != other.clusters or not np.array_equal(self.weights, other.weights):
            raise ValueError("the two models were scored on different rows: no paired difference")
        return interval(self.values - other.values, self.clusters, self.weights, against_zero=True)

    def only(self, rows: Sequence[int]) -> "Column":
        """The column of these rows alone."""
        kept = np.asarray(rows, dtype=np.intp)
        return Column(self.values[kept], self.weights[kept], [self.clusters[row] for row in rows])


@dataclass(frozen=True)
class RateColumn(Column):
    """A metric whose weights are the model's own, as its tokens: two models are compared by their rates."""

    def less(self, other: "Column") -> Interval:
        """This rate less the other's, the same clusters drawn for both. Raises ValueError if the rows differ."""
        if self.clusters != other.clusters:
            raise ValueError("the two models were scored on different rows: no paired difference")
        return rate_difference((self.values, self.weights), (other.values, other.weights), self.clusters)


AnyColumn = Column | BleuColumn


def column(values: Sequence[float], clusters: list[str], weights: Sequence[float] | None = None) -> Column:
    """A column of parallel rows; weights are 1 where none are given."""
    return Column(
        np.asarray(values, dtype=np.float64),
        np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64),
        clusters,
    )


def less(ours: AnyColumn, theirs: AnyColumn) -> Interval:
    """The paired difference of two columns of one metric."""
    if isinstance(ours, BleuColumn):
        return ours.less(cast("BleuColumn", theirs))
    return ours.less(cast("Column", theirs))
