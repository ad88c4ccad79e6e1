"""The answer contract of an agent that shows images, JSON `{"text", "images", "reasoning"}`, and a tolerant parser."""

import json
import re
from dataclasses import dataclass
from typing import Any

FENCED = re.compile(r"\A\s*```(?:json)?[ \t]*\n(.*?)\n[ \t]*```\s*\Z", re.DOTALL | re.IGNORECASE)
MAX_CHARACTERS = 200_000


@dataclass(frozen=True)
class ImageAnswer:
    """An answer read from text; if it is not `valid`, `text` is all of it and there are no images."""

    text: str
    images: tuple[str, ...]
    reasoning: str
    valid: bool


def parse_answer(raw: str) -> ImageAnswer:
    """Read an answer: JSON, also in a code fence; anything else is text without images, and not valid."""
    fenced = FENCED.match(raw[:MAX_CHARACTERS])
    answer = _object(fenced[1] if fenced else raw)
    if answer is None:
        return ImageAnswer(raw.strip(), (), "", valid=False)
    return ImageAnswer(answer["text"], tuple(answer["images"]), answer["reasoning"], valid=True)


def answer_json(text: str, images: list[str], reasoning: str) -> str:
    """The answer as the contract wants it."""
    return json.dumps({"text": text, "images": images, "reasoning": reasoning}, ensure_ascii=False)


def _object(raw: str) -> dict[str, Any] | None:
    """The contract's object with its three fields and no others; None if it is anything else."""
    if len(raw) > MAX_CHARACTERS:
        return None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or set(value) != {"text", "images", "reasoning"}:
        return None
    texts = [value["text"], value["reasoning"], *(value["images"] if isinstance(value["images"], list) else [None])]
    return value if all(isinstance(text, str) for text in texts) else None
