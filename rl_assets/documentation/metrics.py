"""Metrics of an agent that shows images, over held-out questions, and the quality gate that they must pass.

Intervals are bootstrapped over pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rl_assets.metrics.statistics import (
    RESAMPLES,
    SEED,
    Interval,
    cluster_codes,
    cluster_sums,
    from_draws,
    interval,
    resampled_ratios,
)
from rl_assets.metrics.text import token_f1
from rl_assets.rewards.image_answers import parse_answer
from rl_assets.rewards.images import score_answer

DESCRIPTIONS = {
    "inclusion": "questions that need an image and got a right one, and only images of the catalogue",
    "false_inclusion": "questions that need none and got one",
    "hallucination": "answers that name an image that the catalogue lacks",
    "json_validity": "answers that follow the contract",
    "reward": "mean reward",
    "text_f1_with_image": "token F1 of the text if an image is needed",
    "text_f1_without_image": "token F1 of the text if none is needed",
    "text_difference": "text_f1_with_image - text_f1_without_image",
}
MIN_INCLUSION = 0.8
# An agent that always shows something reaches any inclusion rate, so needless images are bounded too.
MAX_FALSE_INCLUSION = 0.2
MAX_HALLUCINATION = 0.05
MIN_QUESTIONS = 20
# Token F1 that texts with images may lose against texts without, at the lower end of the interval.
TEXT_F1_MARGIN = 0.1
# Time of a request relative to the base model's, both writing the same number of tokens.
MAX_LATENCY_RATIO = 1.10
ROUNDING = 1e-9


@dataclass(frozen=True)
class AnsweredQuestion:
    """A held-out question and an answer to it; `page` is the cluster."""

    page: str
    gold_images: tuple[str, ...]
    catalogue: tuple[str, ...]
    gold_text: str
    answer: str


@dataclass(frozen=True)
class GateResult:
    """The verdict and its reason. INSUFFICIENT if the held-out questions are too few to decide."""

    verdict: Literal["PASS", "HOLD", "INSUFFICIENT"]
    reason: str


def image_metrics(questions: Sequence[AnsweredQuestion]) -> dict[str, Interval]:
    """Name -> share in [0, 1] with its 95 % interval; metrics without a question are absent."""
    columns: dict[str, list[tuple[str, float]]] = {name: [] for name in DESCRIPTIONS}
    for question in questions:
        for name, value in _values(question).items():
            columns[name].append((question.page, value))
    metrics = {
        name: interval([value for _, value in rows], [page for page, _ in rows], share=True)
        for name, rows in columns.items()
        if rows
    }
    with_image, without = columns["text_f1_with_image"], columns["text_f1_without_image"]
    if with_image and without:
        metrics["text_difference"] = _difference(with_image, without)
    return metrics


def _values(question: AnsweredQuestion) -> dict[str, float]:
    answer = parse_answer(question.answer)
    shown, gold = set(answer.images), set(question.gold_images)
    grounded = shown <= set(question.catalogue)
    text = token_f1(answer.text, [question.gold_text])
    score = score_answer(question.answer, question.gold_images, question.catalogue, question.gold_text)
    values = {"hallucination": float(not grounded), "json_validity": float(answer.valid), "reward": score.reward}
    if gold:
        return values | {"inclusion": float(bool(shown & gold) and grounded), "text_f1_with_image": text}
    return values | {"false_inclusion": float(bool(shown)), "text_f1_without_image": text}


def _difference(left: Sequence[tuple[str, float]], right: Sequence[tuple[str, float]]) -> Interval:
    """Mean of left - mean of right, each a list of (page, value); two samples, resampled separately by whole pages.

    Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 3.2.
    """
    draws, means, pages = [], [], []
    for index, rows in enumerate((left, right)):
        values = np.array([value for _, value in rows])
        codes, size = cluster_codes([page for page, _ in rows])
        sums, counts = (cluster_sums(column, codes, size) for column in (values, np.ones_like(values)))
        draws.append(resampled_ratios(sums, counts, RESAMPLES, SEED + index))
        means.append(float(values.mean()))
        pages.append(size)
    return from_draws(means[0] - means[1], draws[0] - draws[1], len(left) + len(right), min(pages), against_zero=False)


def quality_gate(
    metrics: Mapping[str, Interval], latency: Interval | None, min_inclusion: float = MIN_INCLUSION
) -> GateResult:
    """PASS if inclusion is at least `min_inclusion` over at least 20 questions and nothing else got worse.

    `metrics` are those of `image_metrics`, `latency` is the median ratio of request times. Needless and invented images
    are few, texts with images are not inferior to texts without, and a request takes at most 10 % longer.
    """
    inclusion = metrics.get("inclusion")
    if inclusion is None or inclusion.n < MIN_QUESTIONS:
        questions = 0 if inclusion is None else inclusion.n
        return GateResult("INSUFFICIENT", f"{questions} held-out questions need an image, {MIN_QUESTIONS} are required")
    summary = f"a right image in {inclusion.mean:.1%} of {inclusion.n} questions that need one"
    if inclusion.mean < min_inclusion - ROUNDING:
        return GateResult("HOLD", f"{summary}, below the goal of {min_inclusion:.0%}")
    for name, limit in (("false_inclusion", MAX_FALSE_INCLUSION), ("hallucination", MAX_HALLUCINATION)):
        if name in metrics and metrics[name].mean > limit + ROUNDING:
            return GateResult("HOLD", f"{summary}; {name} is {metrics[name].mean:.1%}, at most {limit:.0%} is allowed")
    failure = _text_failure(metrics.get("text_difference")) or _latency_failure(latency)
    if failure:
        return GateResult(failure.verdict, f"{summary}; {failure.reason}")
    return GateResult("PASS", f"{summary}, the goal is {min_inclusion:.0%}")


def _text_failure(difference: Interval | None) -> GateResult | None:
    """Non-inferiority: the whole interval of the difference lies above minus the margin. None if it does."""
    if difference is None or difference.low is None:
        reason = "texts with and without images cannot be compared: one kind has too few pages"
        return GateResult("INSUFFICIENT", reason)
    if difference.low < -TEXT_F1_MARGIN - ROUNDING:
        values = f"{difference.mean:+.2f} token F1, lower bound {difference.low:+.2f}"
        reason = f"texts with images against texts without: {values}; at least -{TEXT_F1_MARGIN} is required"
        return GateResult("HOLD", reason)
    return None


def _latency_failure(ratio: Interval | None) -> GateResult | None:
    if ratio is None:
        return GateResult("INSUFFICIENT", "the time of a request was not measured")
    if ratio.mean > MAX_LATENCY_RATIO + ROUNDING:
        reason = f"a request takes {ratio.mean:.2f} times the base model's, at most {MAX_LATENCY_RATIO} is allowed"
        return GateResult("HOLD", reason)
    return None
