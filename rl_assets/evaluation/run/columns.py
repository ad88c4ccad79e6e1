"""Columns of one metric each: a model's values, row by row, as an interval, and against another model's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from rl_assets.metrics.bleu import BleuColumn
from rl_assets.metrics.statistics import Interval, exact_if_all_agree, exact_share, interval, rate_difference

QUALITY_TOKENS = 100


@dataclass(frozen=True)
class Column:
    """One model's metric: parallel values, weights, clusters; the metric is sum(values) / sum(weights).

    It is a `share` if its values lie in [0, 1] and weigh alike.
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    clusters: list[str]
    share: bool = False

    def interval(self) -> Interval:
        """The metric with its interval."""
        return interval(self.values, self.clusters, self.weights, share=self.share)

    def __len__(self) -> int:
        return len(self.clusters)

    def difference(self, other: "Column") -> Interval:
        """This metric - the other's, paired row by row. Raises ValueError if the rows are not the same."""
        if self.clusters != other.clusters or not np.array_equal(self.weights, other.weights):
            raise ValueError("the two models were scored on different rows: no paired difference")
        difference = interval(self.values - other.values, self.clusters, self.weights, against_zero=True)
        # Of equal answers the difference is 0 for sure: as wide as that of a share, no guardrail could pass.
        return exact_if_all_agree(difference, 1.0 if self.share and difference.mean else None)

    def rows(self, rows: Sequence[int]) -> "Column":
        """The column restricted to these rows."""
        kept = np.asarray(rows, dtype=np.intp)
        return Column(self.values[kept], self.weights[kept], [self.clusters[row] for row in rows], self.share)


@dataclass(frozen=True)
class RateColumn(Column):
    """A metric whose weights are the model's own, as its tokens: two models are compared by their rates."""

    def interval(self) -> Interval:
        """The rate with its interval; where no answer counts, that of such a share of the answers at their tokens."""
        found = super().interval()
        if found.se is None or self.values.any():
            return found
        return exact_share(0.0, found.n, found.clusters).scaled(QUALITY_TOKENS * len(self) / float(self.weights.sum()))

    def difference(self, other: "Column") -> Interval:
        """This rate - the other's, the same clusters drawn for both. Raises ValueError if the rows differ."""
        if self.clusters != other.clusters:
            raise ValueError("the two models were scored on different rows: no paired difference")
        return rate_difference((self.values, self.weights), (other.values, other.weights), self.clusters)


AnyColumn = Column | BleuColumn


def paired_difference(ours: AnyColumn, theirs: AnyColumn) -> Interval:
    """The paired difference ours - theirs of two columns of one metric."""
    if isinstance(ours, BleuColumn):
        return ours.difference(cast("BleuColumn", theirs))
    return ours.difference(cast("Column", theirs))
