"""A mean by few labels of people and many verdicts of a judge: prediction-powered inference, PPI++.

Angelopoulos, Duchi and Zrnic 2023, "PPI++: Efficient Prediction-Powered Inference", arXiv 2311.01453. With labels Y and
verdicts f on n items, and verdicts alone on N others of the same kind:

    theta = l mean_N(f) + mean_n(Y - l f),    variance = l^2 var_N(f) / N + var_n(Y - l f) / n

The weight l is the one of least variance, cut to [0, 1]: for independent items cov(Y, f) / ((1 + n / N) var(f)). It is
0 for a judge that says nothing of the labels, which leaves the mean of the labels. The judge's bias cancels.
Variances are those of means of clusters, with denominator n, as in `ppi_py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rl_assets.metrics.statistics import CONFIDENCE, Interval, cluster_codes, cluster_sums, exact_share

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Items with verdicts (n), those of one cluster being alike, and with people's labels (n) if there are some."""

    verdicts: Floats
    clusters: Sequence[str]
    labels: Floats | None = None


def labelled(labels: ArrayLike, verdicts: ArrayLike, clusters: Sequence[str]) -> Sample:
    """Items that people labelled and a judge decided."""
    return Sample(np.asarray(verdicts, np.float64), clusters, np.asarray(labels, np.float64))


def unlabelled(verdicts: ArrayLike, clusters: Sequence[str]) -> Sample:
    """Items that a judge alone decided."""
    return Sample(np.asarray(verdicts, np.float64), clusters)


def calibrated_mean(people: Sample, judge: Sample, weight: float | None = None) -> tuple[Interval, float]:
    """The mean of the labels' population with its 95 % interval, and the weight of the judge (`weight` if given).

    `people` has labels, `judge` holds other items drawn alike; without any, the judge has no weight. Raises ValueError
    without labels. Labels that all agree have the exact interval of a share.
    """
    labels, verdicts = people.labels, people.verdicts
    if labels is None or not len(labels):
        raise ValueError("nothing to estimate from: there are no labels")
    size = len(set(people.clusters))
    share = best_weight(people, judge) if weight is None else weight
    rectified = labels - share * verdicts
    mean, variance = float(rectified.mean()), covariance_of_means(rectified, rectified, people.clusters)
    if share:
        mean += share * float(judge.verdicts.mean())
        variance += share**2 * covariance_of_means(judge.verdicts, judge.verdicts, judge.clusters)
    if size < 2:
        return Interval(mean, None, None, None, len(labels), size), share
    if not share and np.ptp(labels) == 0:
        return exact_share(mean, len(labels), size), share
    se = sqrt(variance)
    reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * se
    return Interval(mean, mean - reach, mean + reach, se, len(labels), size), share


def best_weight(people: Sample, judge: Sample) -> float:
    """The weight of the judge's verdicts with the least variance, in [0, 1]."""
    labels, verdicts = people.labels, people.verdicts
    if labels is None or not len(judge.verdicts):
        return 0.0
    shared = covariance_of_means(labels, verdicts, people.clusters)
    spread = covariance_of_means(verdicts, verdicts, people.clusters)
    spread += covariance_of_means(judge.verdicts, judge.verdicts, judge.clusters)
    return min(1.0, max(0.0, shared / spread)) if spread > 0 else 0.0


def covariance_of_means(first: Floats, second: Floats, clusters: Sequence[str]) -> float:
    """The covariance of two means over the same n items, whose clusters are independent."""
    codes, size = cluster_codes(clusters)
    sums = [cluster_sums(values - values.mean(), codes, size) for values in (first, second)]
    return float(sums[0] @ sums[1]) / len(first) ** 2
