"""How well an agent shows images, over held-out questions; intervals are bootstrapped over pages."""

from collections.abc import Sequence
from dataclasses import dataclass

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

SENTENCES = {
    "inclusion": "questions that need an image and got a right one, and only images of the catalogue",
    "false_inclusion": "questions that need none and got one",
    "hallucination": "answers that name an image that the catalogue has not",
    "json_validity": "answers that follow the contract",
    "reward": "mean reward",
    "text_f1_with_image": "token F1 of the text where an image is needed",
    "text_f1_without_image": "token F1 of the text where none is",
    "text_difference": "the former less the latter",
}


@dataclass(frozen=True)
class Asked:
    """A held-out question and an answer to it; `page` is the cluster."""

    page: str
    gold_images: tuple[str, ...]
    catalogue: tuple[str, ...]
    gold_text: str
    answer: str


def image_metrics(asked: Sequence[Asked]) -> dict[str, Interval]:
    """Name -> share in [0, 1] with its 95 % interval; metrics without a question are absent."""
    columns: dict[str, list[tuple[str, float]]] = {name: [] for name in SENTENCES}
    for one in asked:
        for name, value in _of_one(one).items():
            columns[name].append((one.page, value))
    found = {
        name: interval([value for _, value in rows], [page for page, _ in rows])
        for name, rows in columns.items()
        if rows
    }
    shown, plain = columns["text_f1_with_image"], columns["text_f1_without_image"]
    return found | ({"text_difference": _difference(shown, plain)} if shown and plain else {})


def _difference(ours: Sequence[tuple[str, float]], theirs: Sequence[tuple[str, float]]) -> Interval:
    """Mean of ours less that of theirs, each a list of (page, value); two samples, drawn apart, whole pages each.

    Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 3.2.
    """
    draws, means, pages = [], [], []
    for place, rows in enumerate((ours, theirs)):
        values = np.array([value for _, value in rows])
        codes, size = cluster_codes([page for page, _ in rows])
        sums, counts = (cluster_sums(column, codes, size) for column in (values, np.ones_like(values)))
        draws.append(resampled_ratios(sums, counts, RESAMPLES, SEED + place))
        means.append(float(values.mean()))
        pages.append(size)
    return from_draws(means[0] - means[1], draws[0] - draws[1], len(ours) + len(theirs), min(pages), against_zero=False)


def _of_one(one: Asked) -> dict[str, float]:
    answer, needs = parse_answer(one.answer), bool(one.gold_images)
    shown, gold = set(answer.images), set(one.gold_images)
    grounded = shown <= set(one.catalogue)
    text = token_f1(answer.text, [one.gold_text])
    found = {
        "hallucination": float(not grounded),
        "json_validity": float(answer.valid),
        "reward": score_answer(one.answer, one.gold_images, one.catalogue, one.gold_text).reward,
    }
    if needs:
        return found | {"inclusion": float(bool(shown & gold) and grounded), "text_f1_with_image": text}
    return found | {"false_inclusion": float(bool(shown)), "text_f1_without_image": text}
