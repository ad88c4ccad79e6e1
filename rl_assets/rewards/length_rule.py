"""The baseline of every learned preference: the longer answer wins, or the shorter, whichever the training pairs say.

The rule is chosen on training pairs and held to on others: chosen on the pairs that measure it, it would be better than
any rule that one could have had.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rule = Literal["longer", "shorter"]


def longer_is_right(better: ArrayLike, worse: ArrayLike) -> NDArray[np.float64]:
    """For each pair whether the longer answer is the better one, from the lengths of both; 0.5 for equal lengths."""
    return is_right(np.asarray(better, dtype=np.float64), np.asarray(worse, dtype=np.float64))


def is_right(better: NDArray[np.float64], worse: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each pair 1 if the better answer scores higher, 0.5 for a tie, else 0."""
    return np.asarray((better > worse) + 0.5 * (better == worse), dtype=np.float64)


def better_rule(longer: Sequence[float] | NDArray[np.float64]) -> Rule:
    """The rule that is right more often, of training pairs of which the longer answer is right that much."""
    return "longer" if np.mean(longer) >= 0.5 else "shorter"


def rule_is_right(rule: Rule, longer: ArrayLike) -> NDArray[np.float64]:
    """For each pair whether the rule is right, from whether the longer answer is."""
    right = np.asarray(longer, dtype=np.float64)
    return right if rule == "longer" else 1 - right
