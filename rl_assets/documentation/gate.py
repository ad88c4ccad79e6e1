"""Whether an agent that shows images may be used: images where they help, only there, and at no cost to the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rl_assets.metrics.statistics import Interval

INCLUSION_GOAL = 0.8
# An agent that always shows something reaches any inclusion rate, so what it shows in vain is bounded too.
FALSE_INCLUSION_MOST = 0.2
HALLUCINATION_MOST = 0.05
LEAST_QUESTIONS = 20
# Token F1 that texts beside images may lose against texts without, at the lower end of the interval.
TEXT_MARGIN = 0.1
# Time of a request against the base model's, both writing as many tokens.
LATENCY_MOST = 1.10
ROUNDING = 1e-9


@dataclass(frozen=True)
class Gate:
    """The verdict and its reason. INSUFFICIENT where the held-out questions are too few to tell."""

    verdict: Literal["PASS", "HOLD", "INSUFFICIENT"]
    reason: str


def gate(metrics: Mapping[str, Interval], latency: Interval | None, goal: float = INCLUSION_GOAL) -> Gate:
    """PASS where inclusion is `goal` or more over 20 questions or more and nothing else got worse.

    `metrics` are those of `image_metrics`, `latency` is the median ratio of request times. Needless and invented images
    are few, texts beside images are not inferior to texts without, and the time of a request rises by 10 % at most.
    """
    found = metrics.get("inclusion")
    if found is None or found.n < LEAST_QUESTIONS:
        asked = 0 if found is None else found.n
        return Gate("INSUFFICIENT", f"{asked} held-out questions need an image, {LEAST_QUESTIONS} are wanted")
    said = f"a right image in {found.mean:.1%} of {found.n} questions that need one"
    if found.mean < goal - ROUNDING:
        return Gate("HOLD", f"{said}, short of the goal of {goal:.0%}")
    for name, most in (("false_inclusion", FALSE_INCLUSION_MOST), ("hallucination", HALLUCINATION_MOST)):
        if name in metrics and metrics[name].mean > most + ROUNDING:
            return Gate("HOLD", f"{said}; {name} is {metrics[name].mean:.1%}, at most {most:.0%} is allowed")
    held = _text_holds(metrics.get("text_difference")) or _latency_holds(latency)
    return Gate(held.verdict, f"{said}; {held.reason}") if held else Gate("PASS", f"{said}, the goal is {goal:.0%}")


def _text_holds(difference: Interval | None) -> Gate | None:
    """Non-inferiority: the whole interval of the difference lies above minus the margin. None where it does."""
    if difference is None or difference.low is None:
        return Gate("INSUFFICIENT", "texts with and without images cannot be compared: one kind has too few pages")
    if difference.low < -TEXT_MARGIN - ROUNDING:
        found = f"{difference.mean:+.2f} token F1, at worst {difference.low:+.2f}"
        return Gate("HOLD", f"texts beside images against texts without: {found}; down to -{TEXT_MARGIN} is allowed")
    return None


def _latency_holds(ratio: Interval | None) -> Gate | None:
    if ratio is None:
        return Gate("INSUFFICIENT", "the time of a request was not measured")
    if ratio.mean > LATENCY_MOST + ROUNDING:
        return Gate(
            "HOLD", f"a request takes {ratio.mean:.2f} times the base model's, at most {LATENCY_MOST} is allowed"
        )
    return None
