"""Reading a judge strictly: the complete reply is one JSON object of the requested form, or it is invalid."""

import json
from typing import Any, Literal

from rl_assets.core.blank import is_blank

Choice = Literal["1", "2", "tie"]


def parse_reply(text: str, key: str) -> Any:
    """The value next to "rationale", which must come first and say something. Raises ValueError for any other text."""
    reply = json.loads(text, object_pairs_hook=_pairs, parse_constant=_reject)
    if not isinstance(reply, dict) or list(reply) != ["rationale", key]:
        raise ValueError(f'not an object of "rationale" and "{key}", in this order')
    if not isinstance(reply["rationale"], str) or is_blank(reply["rationale"]):
        raise ValueError("no rationale")
    return reply[key]


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def _reject(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def read_choice(text: str) -> Choice | None:
    """Which of two answers is better; None for an invalid reply."""
    try:
        choice = parse_reply(text, "verdict")
    except (ValueError, RecursionError):
        return None
    return choice if choice in ("1", "2", "tie") else None


def read_score(text: str) -> float | None:
    """A score in [0, 1]; None for an invalid reply."""
    try:
        return _score(parse_reply(text, "score"))
    except (ValueError, RecursionError):
        return None


def read_rating(text: str) -> tuple[str, int] | None:
    """The rationale and a whole number from 1 to 5; None for an invalid reply."""
    try:
        score = parse_reply(text, "score")
    except (ValueError, RecursionError):
        return None
    if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= 5:
        return None
    return str(json.loads(text)["rationale"]), score


def _score(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{value!r} is no score in [0, 1]")
    return float(value)
