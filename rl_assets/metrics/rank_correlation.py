"""Spearman's correlation: how far one order of values is another's, ties sharing their mean rank."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Spearman's rho of parallel values (n); 0 if either does not vary (Spearman 1904)."""
    first, second = ranks(one), ranks(other)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Ranks from 1, ties with the mean of theirs."""
    _, places, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[places], dtype=np.float64)
