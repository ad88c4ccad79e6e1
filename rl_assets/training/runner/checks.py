"""What must hold for an adapter, as values of its own run. That every row trains its end of turn is `data/audit.py`."""

import math
from collections.abc import Iterable

from rl_assets.metrics.statistics import Interval
from rl_assets.models.adapters import Check

STEP0_TOLERANCE = 1e-3
MAX_CHOSEN_FALL = 0.1
SIZE_TOLERANCE = 0.01
# Names and shapes of some thousand tensors.
SIZE_OF_HEADER = 1 << 20


def loss_fell_check(curve: list[tuple[int, float, float]]) -> Check:
    """The mean loss of the last tenth of the run against that of the first tenth."""
    tenth = max(1, len(curve) // 10)
    first = sum(point[1] for point in curve[:tenth]) / tenth
    last = sum(point[1] for point in curve[-tenth:]) / tenth
    return Check(
        name="loss_fell",
        passed=last < first,
        value=last,
        limit=first,
        what="mean loss of the last tenth against the first",
        severity="warn",
    )


def weights_reload_check(difference: float) -> Check:
    """Weights read back from disk against those in memory."""
    return Check(
        name="weights_reload",
        passed=difference == 0.0,
        value=difference,
        limit=0.0,
        what="largest difference of a saved weight",
        severity="error",
    )


def step0_loss_check(loss: float) -> Check:
    """Before any update policy and reference are one model, so the sigmoid loss is ln 2 (arXiv:2305.18290, eq. 7)."""
    return Check(
        name="step0_loss",
        passed=abs(loss - math.log(2)) <= STEP0_TOLERANCE,
        value=loss,
        limit=math.log(2),
        what=f"within {STEP0_TOLERANCE:g} of ln 2 at step 0",
        severity="error",
    )


def step0_margin_check(margin: float) -> Check:
    """The mean implicit reward margin before any update, in units of beta x nats."""
    return Check(
        name="step0_margin",
        passed=abs(margin) <= STEP0_TOLERANCE,
        value=margin,
        limit=STEP0_TOLERANCE,
        what="margin is 0 at step 0",
        severity="error",
    )


def chosen_probability_check(change: float) -> Check:
    """Change of the chosen answers' mean log-probability over the run, in nats per token."""
    return Check(
        name="chosen_log_probability",
        passed=change >= -MAX_CHOSEN_FALL,
        value=change,
        limit=-MAX_CHOSEN_FALL,
        what="change in nats per token; if it falls, use loss_type ('sigmoid', 'sft')",
        severity="warn",
    )


def better_answers_check(gain: float, what: str) -> Check:
    """What learning from groups is for: the better answers, or the rewards of the policy's own, gained over the run."""
    return Check(
        name="better_answers_gained",
        passed=gain > 0,
        value=gain,
        limit=0.0,
        what=f"change of the {what} over the run",
        severity="warn",
    )


def step0_kto_check(loss: float, expected: float) -> Check:
    """The first batch's loss, before any update: half its mean weight (arXiv:2402.01306, eq. 8, with ratios of 1)."""
    return Check(
        name="step0_loss",
        passed=abs(loss - expected) <= STEP0_TOLERANCE,
        value=loss,
        limit=expected,
        what=f"within {STEP0_TOLERANCE:g} of half the mean weight at step 0",
        severity="error",
    )


def beats_longer_wins_check(gain: Interval) -> Check:
    """A reward model that does not beat the length of answers has learned nothing of their content.

    `gain` is its accuracy minus that of preferring the longer answer, or the shorter if that is right more often.
    """
    return Check(
        name="beats_longer_wins",
        passed=gain.low is not None and gain.low > 0,
        value=gain.mean if gain.low is None else gain.low,
        limit=0.0,
        what=f"lower bound of the accuracy gained over the better of longer and shorter, {gain:.3f}, on {gain.n} "
        "held-out pairs",
        severity="error",
    )


def learning_rate_check(rate: float, limit: float) -> Check:
    """The stage's rate against the highest at which LoRA on a base of this width still learns."""
    return Check(
        name="learning_rate_fits",
        passed=rate <= limit,
        value=rate,
        limit=limit,
        what="learning rate of the stage; ten times a usual one for LoRA on a base of this width",
        severity="warn",
    )


def adapter_size_check(size: int, expected: int) -> Check:
    """Bytes of the weights' file against those of the matrices that the recipe trains: nothing else was saved."""
    return Check(
        name="adapter_size",
        passed=size <= expected * (1 + SIZE_TOLERANCE) + SIZE_OF_HEADER,
        value=float(size),
        limit=float(expected),
        what="bytes of the weights, against r x (inputs + outputs) of every adapted layer",
        severity="error",
    )


def max_or_nan(values: Iterable[float]) -> float:
    """The largest value, NaN if one is NaN: Python's `max` would drop it, and its check could not fail."""
    listed = list(values)
    return next((value for value in listed if math.isnan(value)), max(listed))
