"""What must hold for an adapter, as numbers of its own run: a name, whether it passed, the value and its limit."""

import math
from typing import Any, Literal

STEP0_TOLERANCE = 1e-3
LARGEST_CHOSEN_FALL = 0.1

Check = dict[str, Any]


def check(
    name: str,
    passed: bool,
    value: float,
    limit: float,
    what: str,
    severity: Literal["error", "warn"] = "error",
) -> Check:
    """One check as it stands in an adapter's manifest."""
    return {
        "name": name,
        "passed": passed,
        "value": value,
        "limit": limit,
        "what": what,
        "severity": severity,
    }


def trained_tokens_check(rows: int) -> Check:
    """Rows that train at least one token, their end of turn included; the audit has raised where there are others."""
    return check("end_of_turn_is_trained", True, 1.0, 1.0, f"share of {rows} rows whose loss covers the end of turn")


def loss_fell_check(curve: list[list[float]]) -> Check:
    """The mean loss of the last tenth of the run against that of the first tenth."""
    tenth = max(1, len(curve) // 10)
    first = sum(point[1] for point in curve[:tenth]) / tenth
    last = sum(point[1] for point in curve[-tenth:]) / tenth
    return check("loss_fell", last < first, last, first, "mean loss of the last tenth against the first", "warn")


def weights_reload_check(difference: float) -> Check:
    """Weights read back from disk against those in memory."""
    return check("weights_reload", difference == 0.0, difference, 0.0, "largest difference of a saved weight")


def step0_loss_check(loss: float) -> Check:
    """Before any update policy and reference are one model, so the sigmoid loss is ln 2 (arXiv:2305.18290, eq. 7)."""
    distance = abs(loss - math.log(2))
    return check(
        "step0_loss",
        distance <= STEP0_TOLERANCE,
        loss,
        math.log(2),
        f"within {STEP0_TOLERANCE:g} of ln 2 at step 0",
    )


def step0_margin_check(margin: float) -> Check:
    """The mean implicit reward margin before any update, in units of beta x nats."""
    return check("step0_margin", abs(margin) <= STEP0_TOLERANCE, margin, STEP0_TOLERANCE, "margin is 0 at step 0")


def chosen_probability_check(change: float) -> Check:
    """Change of the chosen answers' mean log-probability over the run, in nats a token."""
    return check(
        "chosen_log_probability",
        change >= -LARGEST_CHOSEN_FALL,
        change,
        -LARGEST_CHOSEN_FALL,
        "change in nats a token; where it falls, use the loss ('sigmoid', 'sft')",
        "warn",
    )


def better_answers_check(gain: float, what: str) -> Check:
    """What learning from groups is for: the better answers, or the rewards of the policy's own, gained over the run."""
    return check("better_answers_gained", gain > 0, gain, 0.0, f"change of the {what} over the run", "warn")


def step0_kto_check(loss: float, expected: float) -> Check:
    """The first batch's loss, before any update: half its mean weight (arXiv:2402.01306, eq. 8, with ratios of 1)."""
    passed = abs(loss - expected) <= STEP0_TOLERANCE
    return check("step0_loss", passed, loss, expected, f"within {STEP0_TOLERANCE:g} of half the mean weight at step 0")


def beats_longer_wins_check(accuracy: float, longer: float, pairs: int) -> Check:
    """A reward model that does not beat the length of answers has learned nothing of their content."""
    what = f"accuracy on {pairs} held-out pairs against preferring the longer answer"
    return check("beats_longer_wins", accuracy > longer, accuracy, longer, what)
