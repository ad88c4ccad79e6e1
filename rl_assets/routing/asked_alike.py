"""Whether rewards come for one arm more often than for another: then the missing ones are not missing at random."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from rl_assets.metrics.statistics import holm
from rl_assets.routing.cells import Cell, Numbers

ALPHA = 0.01
# Below it, the sum is not nearly normal.
MIN_EXPECTED = 5


@dataclass(frozen=True)
class AskedAlike:
    """Of a segment: the share of each arm's answers that were rewarded, and how likely such differences are by chance.

    `p` is adjusted for the number of segments (Holm), and None where too few answers had time to be rewarded.
    """

    segment: str | None
    rates: dict[str, float]
    p: float | None

    @property
    def differs(self) -> bool:
        return self.p is not None and self.p < ALPHA


def asked_alike(cells: Sequence[Cell]) -> list[AskedAlike]:
    """Each segment's rates, from answers older than the horizon. Categories are rewarded at rates of their own, and
    arms answer different ones: arms are compared within categories."""
    segments = [(segment, list(own)) for segment, own in groupby(cells, key=lambda cell: cell.segment)]
    raw = [_p_of_segment(own) for _, own in segments]
    known = [p for p in raw if p is not None]
    adjusted = iter(holm(known))
    return [
        AskedAlike(segment, _rates(own), None if p is None else next(adjusted))
        for (segment, own), p in zip(segments, raw, strict=True)
    ]


def _counts(cells: Sequence[Cell]) -> tuple[Numbers, Numbers]:
    """Answers and rewarded ones (categories x arms); every category of a segment has all of its arms."""
    return np.stack([cell.asked_answers for cell in cells]), np.stack([cell.asked_rewarded for cell in cells])


def _rates(cells: Sequence[Cell]) -> dict[str, float]:
    answers, rewarded = (counts.sum(axis=0) for counts in _counts(cells))
    return {arm: float(own / n) for arm, own, n in zip(cells[0].arms, rewarded, answers, strict=True) if n > 0}


def _p_of_segment(cells: Sequence[Cell]) -> float | None:
    answers, rewarded = _counts(cells)
    expected = answers * _share_of_category(answers, rewarded)
    enough = (expected.sum(axis=0) >= MIN_EXPECTED) & ((answers - expected).sum(axis=0) >= MIN_EXPECTED)
    return stratified_chi_square_p(answers[:, enough], rewarded[:, enough]) if enough.sum() > 1 else None


def _share_of_category(answers: Numbers, rewarded: Numbers) -> Numbers:
    share: Numbers = rewarded.sum(axis=1, keepdims=True) / np.maximum(answers.sum(axis=1, keepdims=True), 1)
    return share


def stratified_chi_square_p(answers: Numbers, rewarded: Numbers) -> float:
    """p-value of equal rates of all arms within strata (strata x arms): the generalised Cochran-Mantel-Haenszel test.

    Landis, Heyman and Koch 1978, "Average partial association in three-way contingency tables". With one stratum it is
    Pearson's chi-square times (N - 1) / N.
    """
    from scipy.special import chdtrc

    n, hits = answers.sum(axis=1), rewarded.sum(axis=1)
    use = n > 1
    answers, rewarded, n, hits = answers[use], rewarded[use], n[use], hits[use]
    surplus = (rewarded - answers * (hits / n)[:, None]).sum(axis=0)
    scale = hits * (n - hits) / (n**2 * (n - 1))
    covariance = np.diag((scale * n) @ answers) - (answers.T * scale) @ answers
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    statistic = surplus @ np.linalg.pinv(covariance, hermitian=True) @ surplus
    return float(chdtrc(rank, statistic)) if rank else 1.0
