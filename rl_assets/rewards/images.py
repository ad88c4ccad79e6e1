"""Reward of an answer with images, in the form that TRL's trainers call: grounded, relevant, complete, well-formed.

A count of image markup would reward showing everything; so images are compared with the catalogue that the prompt
offered and with those that the page shows.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from rl_assets.core.blank import is_blank
from rl_assets.metrics.text import token_f1
from rl_assets.rewards.image_answers import ImageAnswer, parse_answer

TEXT, RELEVANCE, COMPLETENESS = 0.4, 0.3, 0.3
HALLUCINATION, UNEXPLAINED, EXCESS, LENGTH = 0.3, 0.05, 0.05, 0.1
MAX_IMAGES = 5
# Prefix of a prompt's list of images; texts before it are of one line each.
CATALOGUE = "\n\nImages:\n"
MIN_LENGTH, MAX_LENGTH = 50, 2000


@dataclass(frozen=True)
class ImageScore:
    """The parts of a reward, each in [0, 1] but `hallucinated`, which counts images that are not in the catalogue."""

    valid: bool
    text: float
    relevance: float
    completeness: float
    hallucinated: int
    reward: float


def image_reward(
    completions: Sequence[Any],
    gold_images: Sequence[Sequence[str]],
    catalogue: Sequence[Sequence[str]],
    gold_text: Sequence[str | None] | None = None,
    **_: Any,
) -> list[float]:
    """Rewards in [0, 1], one per completion (a text, or a chat of which the last message counts).

    `gold_images` and `catalogue` hold, for each completion, the paths that are right and those that its prompt offered.
    """
    references = gold_text if gold_text is not None else [None] * len(completions)
    rows = zip(completions, gold_images, catalogue, references, strict=True)
    return [score_answer(_text(c), gold, offered, reference).reward for c, gold, offered, reference in rows]


def image_answer(
    prompts: Sequence[Any], completions: Sequence[Any], reference: Sequence[str], **_: Any
) -> list[float | None]:
    """`image_reward` by what every row has: the right answer as `reference`, the catalogue in the prompt."""
    right = [parse_answer(answer) for answer in reference]
    offered = [listed_images(_text(prompt)) for prompt in prompts]
    return [*image_reward(completions, [answer.images for answer in right], offered, [answer.text for answer in right])]


def listing(descriptions: Mapping[str, str]) -> str:
    """The part of a prompt that offers images: descriptions by path."""
    return CATALOGUE + "\n".join(f"- {as_listed(path)}: {text}" for path, text in descriptions.items())


def as_listed(path: str) -> str:
    """A path as prompts list it: as it is, or a JSON string if its end could not be recognized."""
    plain = ": " not in path and path.isprintable() and not path.startswith(('"', " ")) and not path.endswith(":")
    return path if plain else json.dumps(path, ensure_ascii=False)


def listed_images(prompt: str) -> list[str]:
    """Paths that a prompt offers, in its order."""
    lines = prompt.rpartition(CATALOGUE)[2].split("\n") if CATALOGUE in prompt else []
    return [_listed_path(line.removeprefix("- ")) for line in lines]


def _listed_path(line: str) -> str:
    if line.startswith('"'):
        with suppress(ValueError):
            return str(json.JSONDecoder().raw_decode(line)[0])
    return line.partition(": ")[0]


def _text(completion: Any) -> str:
    return completion if isinstance(completion, str) else completion[-1]["content"]


def score_answer(raw: str, gold: Sequence[str], catalogue: Sequence[str], gold_text: str | None = None) -> ImageScore:
    """Score one answer. Without a `gold_text` any text that is not blank counts in full."""
    answer = parse_answer(raw)
    if not answer.valid:
        return ImageScore(valid=False, text=0.0, relevance=0.0, completeness=0.0, hallucinated=0, reward=0.0)
    shown = set(answer.images)
    hallucinated = len(shown - set(catalogue))
    relevance, completeness = _precision_recall(shown, set(gold))
    text = _text_score(answer.text, gold_text)
    reward = (
        TEXT * text
        + RELEVANCE * relevance
        + COMPLETENESS * completeness
        - HALLUCINATION * min(1, hallucinated)
        - EXCESS * max(0, len(answer.images) - MAX_IMAGES)
        - UNEXPLAINED * (not _explained(answer))
        - LENGTH * _outside_length(len(answer.text.strip()))
    )
    return ImageScore(True, text, relevance, completeness, hallucinated, round(min(1.0, max(0.0, reward)), 6))


def _precision_recall(shown: set[str], gold: set[str]) -> tuple[float, float]:
    """Share of the shown images that are right, and of the right ones that are shown; none needed: 1 for none shown."""
    if not gold:
        return (0.0, 0.0) if shown else (1.0, 1.0)
    right = len(shown & gold)
    return (right / len(shown) if shown else 0.0), right / len(gold)


def _text_score(text: str, gold_text: str | None) -> float:
    if is_blank(text):
        return 0.0
    return 1.0 if gold_text is None else token_f1(text, [gold_text])


def _explained(answer: ImageAnswer) -> bool:
    """Whether the reasoning names every image, by its path or its file name."""
    return all(image and PurePosixPath(image).name in answer.reasoning for image in answer.images)


def _outside_length(characters: int) -> float:
    """0 within 50 to 2,000 characters, rising to 1 at none and at 4,000."""
    if characters < MIN_LENGTH:
        return 1 - characters / MIN_LENGTH
    return min(1.0, max(0, characters - MAX_LENGTH) / MAX_LENGTH)
