"""What must hold for an adapter, as values of its own run. That every row trains its end of turn is `data/audit.py`."""

import math
from collections import Counter
from collections.abc import Iterable

from rl_assets.metrics.statistics import Interval
from rl_assets.models.adapters import Check
from rl_assets.models.chat_template import FAULTS
from rl_assets.models.runtime import computes_in_bfloat16
from rl_assets.training.data.rows import TrainingRows, listed
from rl_assets.training.errors import REMEDIES

# Of the loss, which is dimensionless. In 16 bits sums over some hundred tokens differ by tenths of a nat if their
# batches do, as those of precomputed references; another reference differs by several nats.
STEP0_TOLERANCE, STEP0_TOLERANCE_16_BITS = 1e-3, 2e-2
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


def step0_tolerance() -> float:
    """How far the loss before any update may be from its value, in the precision of this process."""
    return STEP0_TOLERANCE_16_BITS if computes_in_bfloat16() else STEP0_TOLERANCE


def step0_loss_check(loss: float, tolerance: float = STEP0_TOLERANCE) -> Check:
    """Before any update policy and reference are one model, so the sigmoid loss is ln 2 (arXiv:2305.18290, eq. 7)."""
    return Check(
        name="step0_loss",
        passed=abs(loss - math.log(2)) <= tolerance,
        value=loss,
        limit=math.log(2),
        what=f"within {tolerance:g} of ln 2 at step 0",
        severity="error",
    )


def step0_margin_check(margin: float, tolerance: float = STEP0_TOLERANCE) -> Check:
    """The mean implicit reward margin before any update, in units of beta x nats."""
    return Check(
        name="step0_margin",
        passed=abs(margin) <= tolerance,
        value=margin,
        limit=tolerance,
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


def step0_kto_check(loss: float, expected: float, tolerance: float = STEP0_TOLERANCE) -> Check:
    """The first batch's loss, before any update: half its mean weight (arXiv:2402.01306, eq. 8, with ratios of 1)."""
    return Check(
        name="step0_loss",
        passed=abs(loss - expected) <= tolerance,
        value=loss,
        limit=expected,
        what=f"within {tolerance:g} of half the mean weight at step 0",
        severity="error",
    )


def beats_longer_wins_check(gain: Interval) -> Check:
    """A reward model that does not beat the length of answers has learned nothing of their content.

    `gain` is its accuracy minus that of preferring the longer answer, or the shorter if that is right more often on the
    training pairs.
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


def template_check(rows: TrainingRows) -> Check:
    """The share of rows that the chat template does not serve as they would be trained; by setting, some are kept."""
    faults = Counter({reason: rows.dropped[reason] + rows.adapted[reason] for reason in FAULTS})
    unserved = {reason: count for reason, count in faults.items() if count}
    share = sum(unserved.values()) / max(1, len(rows.rows) + sum(rows.dropped[reason] for reason in FAULTS))
    what = "share of rows that the chat template does not serve as they would be trained"
    if unserved:
        what += f": {listed(unserved)}. " + " ".join(REMEDIES[reason] for reason in unserved)
    return Check(
        name="chat_template_serves_rows", passed=not unserved, value=share, limit=0.0, what=what, severity="warn"
    )
