"""What a policy would have earned on a log of another: importance-weighted, modelled and doubly robust estimates.

A weight w is pi / p, the policy's probability of the arm that was drawn over the logged one. Everything is an array of
one row per session, which is the mean over its answers: answers of one conversation share their draw.

Dudik, Langford and Li 2011, "Doubly Robust Policy Evaluation and Learning"; Swaminathan and Joachims 2015, "The
Self-Normalized Estimator for Counterfactual Learning"; Wang, Agarwal and Dudik 2017, "Optimal and Adaptive Off-policy
Evaluation in Contextual Bandits".
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FOLDS = 5
# Answers that the category's mean stands for where an arm has few of its own.
STRENGTH = 4.0
TAU_QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99)


class Answers(NamedTuple):
    """Rewarded answers (n each), sorted by session: codes of session, fold, category and arm, and the reward."""

    session: Integers
    fold: Integers
    category: Integers
    arm: Integers
    reward: Floats


@dataclass(frozen=True)
class Sessions:
    """What the estimates of a policy are made of, per session (n), each the mean over its answers.

    `weight` is w, `weighted` w r, `reward` r, `model` the policy's value by the reward model, `residual` w (r - q);
    `codes` names the session, and `sizes` counts its answers. `weights` and `residuals` (m) are those of single
    answers, and `positions` says of which session each is, from 0. `masses` (k, of sum 1) are the policy's on choices
    that the log could have made, with the weight that each would have had in `possible`.
    """

    codes: Integers
    sizes: Floats
    weight: Floats
    weighted: Floats
    reward: Floats
    model: Floats
    residual: Floats
    weights: Floats
    residuals: Floats
    positions: Integers
    possible: Floats
    masses: Floats

    @classmethod
    def of(
        cls, answers: Answers, weights: Floats, model: Floats, predicted: Floats, possible: Floats, masses: Floats
    ) -> "Sessions":
        """Of each answer's weight, its policy's modelled value, and the modelled reward of the arm drawn (m each)."""
        first = np.flatnonzero(np.diff(answers.session, prepend=-1))
        sizes = np.diff(first, append=len(weights)).astype(np.float64)
        residuals = weights * (answers.reward - predicted)

        def mean(part: Floats) -> Floats:
            # Of no rows there are no sums.
            return np.add.reduceat(part, first) / sizes if len(first) else part

        return cls(
            codes=answers.session[first],
            sizes=sizes,
            weight=mean(weights),
            weighted=mean(weights * answers.reward),
            reward=mean(answers.reward),
            model=mean(model),
            residual=mean(residuals),
            weights=weights,
            residuals=residuals,
            positions=np.repeat(np.arange(len(first)), sizes.astype(np.int64)),
            possible=possible,
            masses=masses,
        )


@dataclass(frozen=True)
class Estimates:
    """Estimated mean rewards in [0, 1] of a policy; `snips` is the headline. The unbiased ones may leave [0, 1].

    `switch_dr` corrects the model only where w <= `switch_tau`, None for everywhere, as `dr` does.
    """

    ips: float
    snips: float
    dm: float
    dr: float
    sndr: float
    switch_dr: float
    switch_tau: float | None


def estimate(sessions: Sessions) -> Estimates:
    """All estimates. ValueError without a session, or if no session has a weight."""
    mean_weight = float(sessions.weight.mean()) if len(sessions.weight) else 0.0
    if not mean_weight:
        raise ValueError("the policy gives no probability to any arm that was drawn: there is nothing to weigh")
    ips, dm, correction = (float(part.mean()) for part in (sessions.weighted, sessions.model, sessions.residual))
    switched, tau = switch_dr(sessions)
    return Estimates(ips, ips / mean_weight, dm, dm + correction, dm + correction / mean_weight, switched, tau)


def switch_dr(sessions: Sessions) -> tuple[float, float | None]:
    """The estimate with the tau of least estimated squared error, and that tau; None if it corrects everywhere.

    The error is the variance of the mean plus the square of the bias bound, the policy's mass on choices whose weight
    would be above tau: a reward model is wrong by at most 1 there. Candidates are quantiles of the weights above 0.
    """
    positive = sessions.weights[sessions.weights > 0]
    taus = [*sorted(set(np.quantile(positive, TAU_QUANTILES, method="lower").tolist())), math.inf]
    options = [(*_switched(sessions, tau), tau) for tau in taus]
    _, value, tau = min(options, key=lambda option: (option[0], -option[2]))
    return value, None if math.isinf(tau) else tau


def _switched(sessions: Sessions, tau: float) -> tuple[float, float]:
    """Estimated squared error, and estimate, with that tau."""
    below = sessions.weights <= tau
    count = len(sessions.sizes)
    kept = np.bincount(sessions.positions, np.where(below, sessions.residuals, 0.0), count) / sessions.sizes
    values = sessions.model + kept
    variance = float(values.var(ddof=1)) / count if count > 1 else math.inf
    bias = float(sessions.masses[sessions.possible > tau].sum())
    return variance + bias**2, float(values.mean())


def reward_model(answers: Answers, categories: int, arms: int) -> Floats:
    """Expected reward of each arm in each category (folds x categories x arms), learnt without the sessions of a fold.

    An arm's mean is shrunk to its category's, and that to the mean of all, by `STRENGTH` answers each.
    """
    shape = (FOLDS, categories, arms)
    index = np.ravel_multi_index((answers.fold, answers.category, answers.arm), shape)
    count, total = (
        np.bincount(index, weights, math.prod(shape)).reshape(shape)
        for weights in (np.ones(len(index)), answers.reward)
    )
    count, total = (part.sum(axis=0) - part for part in (count, total))
    every = total.sum(axis=(1, 2), keepdims=True) / np.maximum(1.0, count.sum(axis=(1, 2), keepdims=True))
    of_category = _shrunk(total.sum(axis=2, keepdims=True), count.sum(axis=2, keepdims=True), every)
    return _shrunk(total, count, of_category)


def _shrunk(total: Floats, count: Floats, toward: Floats) -> Floats:
    shrunk: Floats = (total + STRENGTH * toward) / (count + STRENGTH)
    return shrunk


@dataclass(frozen=True)
class Replay:
    """Mean reward of the sessions in which a deterministic policy chooses what the log chose, and their number.

    Li, Chu, Langford and Wang 2011. It weighs categories as the chosen agents met them, so it is no estimate of the
    policy's value where the log left nothing to chance.
    """

    mean: float
    sessions: int


def replay(sessions: Sessions) -> Replay | None:
    """The replay of a deterministic policy on a log whose propensities are 1; None if they never agree."""
    agreeing = sessions.weight > 0
    if not agreeing.any():
        return None
    return Replay(float(sessions.weighted.sum() / sessions.weight.sum()), int(agreeing.sum()))
