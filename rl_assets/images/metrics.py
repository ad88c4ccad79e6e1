"""How well an agent shows images, over held-out questions; intervals are bootstrapped over pages."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rl_assets.evaluation.metrics import token_f1
from rl_assets.evaluation.statistics import Interval, interval
from rl_assets.rewards.image_answers import parse_answer
from rl_assets.rewards.images import score_answer

INCLUSION_GOAL = 0.8
# An agent that always shows something reaches any inclusion rate, so what it shows in vain is bounded too.
FALSE_INCLUSION_MOST = 0.2
HALLUCINATION_MOST = 0.05
LEAST_QUESTIONS = 20
SENTENCES = {
    "inclusion": "questions that need an image and got a right one, and only images of the catalogue",
    "false_inclusion": "questions that need none and got one",
    "hallucination": "answers that name an image that the catalogue has not",
    "json_validity": "answers that follow the contract",
    "reward": "mean reward",
    "text_f1_with_image": "token F1 of the text where an image is needed",
    "text_f1_without_image": "token F1 of the text where none is",
}


@dataclass(frozen=True)
class Asked:
    """A held-out question and an answer to it; `page` is the cluster."""

    page: str
    gold_images: tuple[str, ...]
    catalogue: tuple[str, ...]
    gold_text: str
    answer: str


@dataclass(frozen=True)
class Gate:
    """Whether images are shown where needed, and only there. INSUFFICIENT with too few questions that need one."""

    verdict: Literal["PASS", "HOLD", "INSUFFICIENT"]
    reason: str


def image_metrics(asked: Sequence[Asked]) -> dict[str, Interval]:
    """Name -> share in [0, 1] with its 95 % interval; metrics without a question are absent."""
    columns: dict[str, list[tuple[str, float]]] = {name: [] for name in SENTENCES}
    for one in asked:
        for name, value in _of_one(one).items():
            columns[name].append((one.page, value))
    return {
        name: interval([value for _, value in rows], [page for page, _ in rows])
        for name, rows in columns.items()
        if rows
    }


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


def gate(metrics: dict[str, Interval], goal: float = INCLUSION_GOAL) -> Gate:
    """PASS where inclusion is `goal` or more over 20 questions or more, and few images are needless or invented."""
    found = metrics.get("inclusion")
    if found is None or found.n < LEAST_QUESTIONS:
        asked = 0 if found is None else found.n
        return Gate("INSUFFICIENT", f"{asked} held-out questions need an image, {LEAST_QUESTIONS} are wanted")
    said = f"a right image in {found.mean:.1%} of {found.n} questions that need one"
    if found.mean < goal - 1e-9:
        return Gate("HOLD", f"{said}, short of the goal of {goal:.0%}")
    for name, most in (("false_inclusion", FALSE_INCLUSION_MOST), ("hallucination", HALLUCINATION_MOST)):
        if name in metrics and metrics[name].mean > most + 1e-9:
            return Gate("HOLD", f"{said}; {name} is {metrics[name].mean:.1%}, at most {most:.0%} is allowed")
    return Gate("PASS", f"{said}, the goal is {goal:.0%}")


def as_json(metrics: dict[str, Interval], verdict: Gate) -> dict[str, Any]:
    """The report as a JSON value."""
    return {"metrics": {name: asdict(found) for name, found in metrics.items()}, "gate": asdict(verdict)}
