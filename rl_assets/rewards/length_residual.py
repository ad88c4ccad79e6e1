"""A score without what length alone explains: score - b x log characters, uncorrelated with length by rank.

Wang et al. 2024, "Interpretable Preferences via Multi-Objective Reward Modeling and Mixture-of-Experts"
(arXiv:2406.12845), section 3.2, does this to each objective.
"""

import numpy as np
from numpy.typing import NDArray

from rl_assets.metrics.rank_correlation import spearman

BISECTIONS = 60


def length_slope(scores: NDArray[np.float64], lengths: NDArray[np.float64]) -> float:
    """The b at which Spearman's correlation of score - b x length with length is 0, found by bisection.

    scores and lengths (n) are parallel; 0 if either does not vary.
    """
    if np.ptp(lengths) == 0 or np.ptp(scores) == 0:
        return 0.0
    reach = 100 * np.ptp(scores) / np.ptp(lengths)
    low, high = -reach, reach
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if spearman(scores - middle * lengths, lengths) > 0:
            low = middle
        else:
            high = middle
    return float((low + high) / 2)
