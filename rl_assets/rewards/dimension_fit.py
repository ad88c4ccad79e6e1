"""One head per dimension: fitted, freed of length, calibrated, and held against the better length rule.

`fit_dimension` is the flow. What is measured out of fold repeats all of it on each four fifths of the clusters.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rl_assets.metrics.statistics import Interval, cluster_codes, interval
from rl_assets.rewards.answer_features import LENGTH
from rl_assets.rewards.calibration import (
    MIN_RATINGS,
    Calibration,
    calibrate,
    calibration_error,
    cross_calibrated,
    flat_share,
    from_preferences,
    monotonicity,
    rounded,
)
from rl_assets.rewards.dimension_data import HELD_OUT, Answer, DimensionData, PairTable, Rating
from rl_assets.rewards.dimension_report import CalibrationReport, Comparison, DimensionReport
from rl_assets.rewards.length_residual import length_slope
from rl_assets.rewards.length_rule import Rule, better_rule, is_right, longer_is_right, rule_is_right
from rl_assets.rewards.linear_head import fit_head

Floats = NDArray[np.float64]
FOLDS = 5
RESAMPLES = 2000
MIN_HELD_OUT, HELD_OUT_DECIDES = 50, 300
# Longer by less than a quarter.
ALIKE = 1.25
MARGINS = (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class FittedHead:
    """Coefficients (features) with the length slope taken off, that slope, and the means that stand for unknowns."""

    coefficients: Floats
    length_slope: float
    means: Floats

    def scores(self, features: Floats) -> Floats:
        """Scores (answers) of features (answers x features)."""
        known = np.where(np.isnan(features), self.means, features)
        return np.asarray(known @ self.coefficients)


@dataclass(frozen=True)
class FittedDimension:
    """A head, what turns its scores into values, and what is known of it."""

    data: DimensionData
    head: FittedHead
    calibration: Calibration
    report: DimensionReport


@dataclass(frozen=True)
class Fit:
    """How heads are fitted to answers with these features: (answers x features) by name, length kept or not."""

    answers: Sequence[Answer]
    features: Floats
    names: Sequence[str]
    length_matters: bool = False

    @property
    def lengths(self) -> Floats:
        """Log characters of every answer."""
        return np.asarray(self.features[:, list(self.names).index(LENGTH)])

    def head(self, pairs: PairTable) -> FittedHead:
        """The head of these pairs; unless length matters, its scores of their answers do not go with length by rank."""
        fitted = fit_head(pairs.differences(self.features), pairs.weight)
        used = np.unique(np.concatenate([pairs.better, pairs.worse]))
        known = ~np.isnan(self.features[used])
        sums = np.where(known, self.features[used], 0.0).sum(axis=0)
        means = sums / np.maximum(1, known.sum(axis=0))
        head = FittedHead(fitted.coefficients, 0.0, means)
        if self.length_matters:
            return head
        slope = length_slope(head.scores(self.features[used]), self.lengths[used])
        coefficients = fitted.coefficients.copy()
        coefficients[list(self.names).index(LENGTH)] -= slope
        return FittedHead(coefficients, slope, means)

    def rule(self, pairs: PairTable) -> Rule:
        """The length rule that is right more often on these pairs."""
        return better_rule(longer_is_right(self.lengths[pairs.better], self.lengths[pairs.worse]))


def fit_dimension(fit: Fit, data: DimensionData) -> FittedDimension:
    """The head of a dimension on its train pairs, with everything that says how far to believe it.

    ValueError without train pairs in two clusters or more.
    """
    train = PairTable.of_pairs(data.pairs_in(fit.answers, ["train"]), fit.answers)
    held_out = PairTable.of_pairs(data.pairs_in(fit.answers, HELD_OUT), fit.answers)
    if len(set(train.clusters)) < 2:
        raise ValueError(
            f"{data.dimension}: its {len(train)} training pairs come from {len(set(train.clusters))} sessions or "
            "groups of prompts; two are needed to measure a head on one that it did not learn from"
        )
    head = fit.head(train)
    scores = head.scores(fit.features)
    out_of_fold, fold_scores = _out_of_fold(fit, train)
    on_held_out = _held_out(fit, train, held_out, scores) if len(held_out) >= MIN_HELD_OUT else None
    calibration, calibrated = _calibrated(fit, data, scores, fold_scores)
    report = DimensionReport(
        train_pairs=len(train),
        held_out_pairs=len(held_out),
        held_out=on_held_out,
        out_of_fold=out_of_fold,
        decided_by="held_out" if len(held_out) >= HELD_OUT_DECIDES else "out_of_fold",
        one_rater=one_rater_ceiling(data.ratings, fit.answers),
        calibration=calibrated,
    )
    return FittedDimension(data, head, calibration, report)


def _out_of_fold(fit: Fit, train: PairTable) -> tuple[Comparison, dict[int, float]]:
    """Each fold of clusters by a head and a length rule of the others; and the score that each answer got there."""
    codes, size = cluster_codes(train.clusters)
    folds, count = codes % min(FOLDS, size), min(FOLDS, size)
    right, baseline, rules = np.empty(len(train)), np.empty(len(train)), Counter[Rule]()
    scored: dict[int, float] = {}
    for fold in range(count):
        inside = folds == fold
        rest, part = train.rows(~inside), train.rows(inside)
        head, rule = fit.head(rest), fit.rule(rest)
        used = np.unique(np.concatenate([part.better, part.worse]))
        found = head.scores(fit.features[used])
        # All pairs of an answer are in one fold, so each answer is scored once.
        scored.update(zip(used.tolist(), found.tolist(), strict=True))
        right[inside] = is_right(_at(scored, part.better), _at(scored, part.worse))
        baseline[inside] = rule_is_right(rule, longer_is_right(fit.lengths[part.better], fit.lengths[part.worse]))
        rules[rule] += 1
    return _compared(fit, train, right, baseline, rules), scored


def _at(scores: dict[int, float], answers: NDArray[np.int64]) -> Floats:
    return np.array([scores[answer] for answer in answers.tolist()])


def _held_out(fit: Fit, train: PairTable, held_out: PairTable, scores: Floats) -> Comparison:
    rule = fit.rule(train)
    right = is_right(scores[held_out.better], scores[held_out.worse])
    longer = longer_is_right(fit.lengths[held_out.better], fit.lengths[held_out.worse])
    return _compared(fit, held_out, right, rule_is_right(rule, longer), Counter({rule: 1}))


def _compared(fit: Fit, pairs: PairTable, right: Floats, baseline: Floats, rules: Counter[Rule]) -> Comparison:
    apart = fit.lengths[pairs.better] - fit.lengths[pairs.worse]

    def slice_of(mask: NDArray[np.bool_]) -> Interval | None:
        names = [name for name, kept in zip(pairs.clusters, mask, strict=True) if kept]
        return interval(right[mask], names, resamples=RESAMPLES, share=True) if names else None

    edges = list(zip((0.0, *MARGINS), MARGINS, strict=False))
    bins = {
        f"{low:g} to {high:g}": slice_of((pairs.margin > low + 1e-9) & (pairs.margin <= high + 1e-9))
        for low, high in edges
    }
    return Comparison(
        pairs=len(pairs),
        accuracy=interval(right, pairs.clusters, resamples=RESAMPLES, share=True),
        baseline=interval(baseline, pairs.clusters, resamples=RESAMPLES, share=True),
        rules=dict(rules),
        gain=interval(right - baseline, pairs.clusters, resamples=RESAMPLES, against_zero=True),
        shorter_is_right=slice_of(apart < 0),
        lengths_alike=slice_of(np.abs(apart) <= np.log(ALIKE)),
        by_margin={name: found for name, found in bins.items() if found},
    )


def _calibrated(
    fit: Fit, data: DimensionData, scores: Floats, fold_scores: dict[int, float]
) -> tuple[Calibration, CalibrationReport]:
    """On ratings of the validation split; with too few, on training ratings and scores of heads that did not learn
    from them; without ratings, by what preferences say."""
    train_scores = np.array([scores[answer] for answer in sorted(fold_scores)])
    validation = [rating for rating in data.ratings if fit.answers[rating.answer].split == "validation"]
    fold_rated = [rating for rating in data.ratings if rating.answer in fold_scores]
    if len(validation) >= MIN_RATINGS:
        rows, found, fitted_on = validation, scores[[rating.answer for rating in validation]], "validation"
    elif len(fold_rated) >= MIN_RATINGS:
        rows, fitted_on = fold_rated, "out of fold"
        found = np.array([fold_scores[rating.answer] for rating in fold_rated])
    else:
        calibration = from_preferences(train_scores)
        flat = flat_share(calibration, train_scores)
        return calibration, CalibrationReport(
            method=calibration.method, fitted_on="preferences", ratings=len(validation), flat_share=flat
        )
    ratings = np.array([rating.value for rating in rows])
    names = [fit.answers[rating.answer].unit for rating in rows]
    calibration = calibrate(found, ratings)
    plain = 1 / (1 + np.exp(-np.clip(found - np.median(found), -500, 500)))
    return calibration, CalibrationReport(
        method=calibration.method,
        fitted_on=fitted_on,
        ratings=len(rows),
        error_before=rounded(calibration_error(plain, ratings)),
        error=rounded(calibration_error(cross_calibrated(found, ratings, names), ratings)),
        monotone_steps=monotonicity(found, ratings),
        flat_share=flat_share(calibration, train_scores),
    )


def one_rater_ceiling(ratings: Sequence[Rating], answers: Sequence[Answer]) -> Interval | None:
    """How often one rater orders two answers to a prompt as the mean of the others does, half for a tie of the one.

    Over each two answers that one rater rated both of, and that others order; None if there are none.
    """
    by_prompt: dict[str, list[Rating]] = {}
    for rating in ratings:
        if len(rating.by_rater) > 1:
            by_prompt.setdefault(answers[rating.answer].prompt_key, []).append(rating)
    right: list[float] = []
    names: list[str] = []
    for group in by_prompt.values():
        for index, first in enumerate(group):
            for second in group[index + 1 :]:
                agreed = [*_one_against_others(first, second)]
                right += agreed
                names += [answers[first.answer].unit] * len(agreed)
    return interval(right, names, resamples=RESAMPLES, share=True) if right else None


def _one_against_others(first: Rating, second: Rating) -> list[float]:
    found = []
    for rater in sorted(first.by_rater.keys() & second.by_rater.keys()):
        own = first.by_rater[rater] - second.by_rater[rater]
        others = _mean_without(first, rater) - _mean_without(second, rater)
        if abs(others) > 1e-9:
            found.append(0.5 if abs(own) < 1e-9 else float((own > 0) == (others > 0)))
    return found


def _mean_without(rating: Rating, rater: str) -> float:
    others = [value for name, value in rating.by_rater.items() if name != rater]
    return sum(others) / len(others)
