"""Corpus BLEU with clustered bootstrap intervals: sacrebleu counts the n-grams, sums of counts are resampled.

BLEU is no mean over answers, so its interval comes from resampling its sufficient statistics (Koehn 2004,
"Statistical Significance Tests for Machine Translation Evaluation"). The score is sacrebleu's default: 13a
tokens, orders 1 to 4, exponential smoothing, from 0 to 100.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_assets.metrics.statistics import (
    RESAMPLES,
    SEED,
    WIDTH_0,
    Interval,
    cluster_codes,
    drawn_counts,
    exact_share,
    from_draws,
)

ORDERS = 4
MAX_BLEU = 100.0
Counts = NDArray[np.float64]


def counter() -> Any:
    """sacrebleu's sentence counter; made once, used for every answer."""
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(effective_order=True, force=True)


def sentence_counts(counts: Any, answer: str, references: Sequence[str]) -> list[float]:
    """Matches of orders 1 to 4, n-grams of orders 1 to 4, length, length of the closest reference (10 numbers)."""
    score = counts.sentence_score(answer, list(references))
    return [*map(float, score.counts), *map(float, score.totals), float(score.sys_len), float(score.ref_len)]


def corpus_bleu(sums: Counts) -> Counts:
    """BLEU (...) in [0, 100] of summed counts (..., 10), as sacrebleu's `corpus_score` has it."""
    matches, totals = sums[..., :ORDERS], sums[..., ORDERS : 2 * ORDERS]
    length, reference = sums[..., -2], sums[..., -1]
    # The k-th order without a match counts as 1 / 2^k of a match.
    missed = (matches == 0) & (totals > 0)
    smoothed = np.where(missed, 0.5 ** np.cumsum(missed, axis=-1), matches)
    nonzero = (totals > 0).all(axis=-1) & (matches.sum(axis=-1) > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.exp(np.log(smoothed / totals).mean(axis=-1))
        brevity = np.minimum(1.0, np.exp(1 - reference / length))
        return np.asarray(np.where(nonzero, 100 * brevity * precision, 0.0), dtype=np.float64)


@dataclass(frozen=True)
class BleuColumn:
    """One model's n-gram counts (n x 10) and the clusters of its answers; the metric is BLEU of the sums."""

    counts: Counts
    clusters: list[str]

    def __len__(self) -> int:
        return len(self.clusters)

    def interval(self) -> Interval:
        """Corpus BLEU with its interval; where all answers miss or match, that of such a share."""
        found = self._resampled(self.counts, None)
        if found.se is None or found.se > WIDTH_0:
            return found
        return exact_share(found.mean / MAX_BLEU, found.n, found.clusters).scaled(MAX_BLEU)

    def difference(self, other: "BleuColumn") -> Interval:
        """Our BLEU - theirs, the same clusters drawn for both. Raises ValueError if the rows differ."""
        if self.clusters != other.clusters:
            raise ValueError("the two models were scored on different rows: no paired difference")
        return self._resampled(self.counts, other.counts)

    def _resampled(self, ours: Counts, theirs: Counts | None) -> Interval:
        codes, size = cluster_codes(self.clusters)
        sides = [_by_cluster(side, codes, size) for side in (ours, theirs) if side is not None]
        draws = np.concatenate(
            [_signed([drawn @ side for side in sides]) for drawn in drawn_counts(size, RESAMPLES, SEED)]
        )
        estimate = float(_signed([side.sum(axis=0) for side in sides]))
        return from_draws(estimate, draws, len(self.clusters), size, against_zero=theirs is not None)


def _by_cluster(counts: Counts, codes: NDArray[np.intp], size: int) -> Counts:
    summed = np.zeros((size, counts.shape[1]))
    np.add.at(summed, codes, counts)
    return summed


def _signed(sums: Sequence[Counts]) -> Counts:
    scores = [corpus_bleu(side) for side in sums]
    return scores[0] if len(scores) == 1 else np.asarray(scores[0] - scores[1])
