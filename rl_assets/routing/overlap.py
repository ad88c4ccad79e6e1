"""Whether a log can tell what a policy would have earned; if not, why, with the number that says so.

It refuses by weights and propensities alone. Samples with few weighted successes must not be refused: those that
happen to have many would remain, and their intervals would be wrong more often.
"""

import math
from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np

from rl_assets.core.validation import Record
from rl_assets.routing.estimators import Floats, Sessions
from rl_assets.routing.logged import SegmentLog
from rl_assets.routing.policies import Policy

Reason = Literal[
    "no_propensity",
    "missing_propensities",
    "propensity_out_of_range",
    "no_exploration",
    "arm_frequency",
    "no_support",
    "small_sample",
    "mean_weight",
]
REASONS: tuple[str, ...] = get_args(Reason)
MAX_MISSING = 0.05
MAX_UNSUPPORTED = 0.01
MIN_ESS = 100.0
MAX_MEAN_ERROR = 0.05
MAX_STANDARD_ERRORS = 3.0
MIN_DRAWN = 10
MAX_DEVIATION = 4.0


class Refusal(Record):
    """Why a value is not shown: a reason, the number behind it, and a sentence."""

    reason: Reason
    value: float
    text: str


class Overlap(Record):
    """How far a log covers a policy, by sessions.

    `ess` is the effective sample size (sum of w)^2 / sum of w^2; `mean_weight` is 1 in expectation, give or take
    `mean_weight_se`; `least_weight` and `largest_weight` bound the weights that any choice could have had, and
    `largest_seen` is the largest of an answer. `unsupported` is the policy's mass on arms that could not be drawn.
    """

    sessions: int
    answers: int
    ess: float
    mean_weight: float
    mean_weight_se: float
    least_weight: float
    largest_weight: float
    largest_seen: float
    unsupported: float


def log_refusals(log: SegmentLog) -> Iterator[Refusal]:
    """What keeps every policy from being evaluated: the propensities of the log itself."""
    missing = float(np.isnan(log.propensity).mean()) if len(log) else 1.0
    if missing == 1:
        yield Refusal(
            reason="no_propensity",
            value=missing,
            text="No rewarded answer has a propensity, so what was drawn by chance is unknown and nothing can be "
            "weighed. Log `propensity` (and `arms`, with the probability of every arm) when the agent is chosen, or "
            "draw it with the router, which logs both.",
        )
        return
    if missing > MAX_MISSING:
        text = f"{missing:.1%} of the rewarded answers have no propensity, more than {MAX_MISSING:.0%}: those that "
        text += "have one may not be like the others. Log it with every answer whose agent is drawn."
        yield Refusal(reason="missing_propensities", value=missing, text=text)
    invalid = int(((log.propensity <= 0) | (log.propensity > 1)).sum())
    if invalid:
        text = f"{invalid:,} propensities lie outside (0, 1]: they are no probabilities of what was chosen."
        yield Refusal(reason="propensity_out_of_range", value=invalid, text=text)
    if (log.propensity[~np.isnan(log.propensity)] == 1).all():
        text = "Every propensity is 1: the log never left anything to chance, so it holds no evidence on other arms. "
        text += "Give every arm a small share, such as the router's `floor`."
        yield Refusal(reason="no_exploration", value=1.0, text=text)
    yield from _frequencies(log)


def _frequencies(log: SegmentLog) -> Iterator[Refusal]:
    """The arm that deviates most, if one was drawn far more or less often than its propensities say."""
    tested = np.where(log.support.drawn >= MIN_DRAWN, np.nan_to_num(log.support.deviation), 0.0)
    if not tested.size or abs(tested).max() <= MAX_DEVIATION:
        return
    category, arm = (int(code) for code in np.unravel_index(abs(tested).argmax(), tested.shape))
    deviation = float(tested[category, arm])
    text = (
        f"{log.arms[arm]} was drawn {int(log.support.drawn[category, arm]):,} times in {log.categories[category]}, "
        f"{abs(deviation):.1f} standard errors {'more' if deviation > 0 else 'less'} than its propensities say: they "
        "are not those that it was drawn with."
    )
    yield Refusal(reason="arm_frequency", value=deviation, text=text)


def overlap_of(log: SegmentLog, policy: Policy, sessions: Sessions) -> Overlap:
    """How far the log covers the policy; `sessions` are its weighted sessions on the log."""
    weight = sessions.weight
    count, square = len(weight), float((weight**2).sum())
    least, largest = _possible_weights(log, policy)
    seen = float(sessions.weights.max(initial=0.0))
    return Overlap(
        sessions=count,
        answers=len(log),
        ess=float(weight.sum()) ** 2 / square if square else 0.0,
        mean_weight=float(weight.mean()) if count else 0.0,
        mean_weight_se=float(weight.std(ddof=1)) / math.sqrt(count) if count > 1 else 0.0,
        least_weight=min(least, float(sessions.weights.min(initial=least))),
        largest_weight=max(largest, seen),
        largest_seen=seen,
        unsupported=_unsupported(log, policy),
    )


def _possible_weights(log: SegmentLog, policy: Policy) -> tuple[float, float]:
    """The least and the largest weight that an answer of the log could have had."""
    days = policy.shares[policy.first_day :]
    highest, lowest = days.max(axis=0), days.min(axis=0)
    with np.errstate(invalid="ignore"):
        least = np.nanmin(lowest / log.support.max_propensity, initial=1.0)
        largest = np.nanmax(highest / log.support.min_propensity, initial=1.0)
    return float(least), float(largest)


def _unsupported(log: SegmentLog, policy: Policy) -> float:
    """The policy's mean mass on arms that could not be drawn, over the answers."""
    if not len(log):
        return 1.0
    mass: Floats = (policy.shares * (1 - log.support.share)).sum(axis=2)
    return float(mass[log.day, log.answers.category].mean())


def policy_refusals(overlap: Overlap) -> Iterator[Refusal]:
    """What keeps this policy from being evaluated."""
    if overlap.unsupported > MAX_UNSUPPORTED:
        text = f"{overlap.unsupported:.1%} of its choices are arms that could not be drawn, more than "
        text += f"{MAX_UNSUPPORTED:.0%}: nothing is known of them."
        yield Refusal(reason="no_support", value=overlap.unsupported, text=text)
    if overlap.ess < MIN_ESS:
        text = f"The {overlap.sessions:,} sessions weigh as much as {overlap.ess:,.1f}, fewer than {MIN_ESS:.0f}: the "
        text += "policy rarely chooses what was drawn."
        yield Refusal(reason="small_sample", value=overlap.ess, text=text)
    error = abs(overlap.mean_weight - 1)
    if overlap.sessions and error > max(MAX_MEAN_ERROR, MAX_STANDARD_ERRORS * overlap.mean_weight_se):
        text = f"Weights average {overlap.mean_weight:.3f}, not 1 (standard error {overlap.mean_weight_se:.3f}): the "
        text += "propensities do not fit what was chosen, or rewards come for some arms more often than for others."
        yield Refusal(reason="mean_weight", value=overlap.mean_weight, text=text)
