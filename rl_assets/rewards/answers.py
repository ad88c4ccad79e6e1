"""Rewards by rule, in TRL's signature: (prompts, completions, **columns) -> rewards, None if none can be given.

A completion is a list of chat messages. `reference` is the best logged answer to the prompt. Answers are data: they are
parsed as JSON and compared, never run.
"""

import json
from typing import Any

from rl_assets.metrics.final_number import are_worked_solutions, same_number

Completion = list[dict[str, str]]


def json_format(
    prompts: list[Any], completions: list[Completion], reference: list[str], **_: Any
) -> list[float | None]:
    """1.0 for JSON of the reference's kind, an object with its keys; else 0.0. None: the reference is no JSON."""
    return [_form(_text(completion), wanted) for completion, wanted in zip(completions, reference, strict=True)]


def exact_answer(
    prompts: list[Any], completions: list[Completion], reference: list[str], **_: Any
) -> list[float | None]:
    """1.0 for the reference's text, or for JSON of the same values; else 0.0. None: the reference is empty."""
    return [
        float(_same(_text(completion), wanted)) if wanted.strip() else None
        for completion, wanted in zip(completions, reference, strict=True)
    ]


def task_success(
    prompts: list[Any], completions: list[Completion], reference: list[str], **_: Any
) -> list[float | None]:
    """1.0 for an answer that ends with the number of a worked solution, as the metric of that name; else 0.0.

    None: the reference is no worked solution, so there is no verifier for the task.
    """
    return [
        float(same_number(_text(completion), wanted)) if are_worked_solutions([wanted]) else None
        for completion, wanted in zip(completions, reference, strict=True)
    ]


def brevity(prompts: list[Any], completions: list[Completion], reference: list[str], **_: Any) -> list[float | None]:
    """1.0 up to the reference's length in characters, falling to 0.0 at twice that. None: the reference is empty."""
    return [
        max(0.0, min(1.0, 2 - len(_text(completion)) / len(wanted))) if wanted.strip() else None
        for completion, wanted in zip(completions, reference, strict=True)
    ]


def _text(completion: Completion) -> str:
    return completion[-1]["content"].strip()


def _form(text: str, wanted: str) -> float | None:
    expected, value = _parsed(wanted), _parsed(text)
    if expected is None:
        return None
    if isinstance(expected, dict):
        return float(isinstance(value, dict) and value.keys() == expected.keys())
    return float(isinstance(value, list))


def _same(text: str, wanted: str) -> bool:
    expected = _parsed(wanted)
    return text == wanted.strip() or (expected is not None and _parsed(text) == expected)


def _parsed(text: str) -> dict[str, Any] | list[Any] | None:
    """The JSON object or array, or None; nesting beyond what Python can follow is no JSON either."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None
