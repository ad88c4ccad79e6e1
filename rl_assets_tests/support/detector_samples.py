"""Detectors of personal data as a user would write them, good and bad."""

import re
from collections.abc import Iterator


def codenames(text: str) -> Iterator[tuple[int, int, str]]:
    """Names of a product's customers, and whatever stands in an e-mail address."""
    for match in re.finditer(r"Ada Byron|[\w.]+@[\w.]+", text):
        yield (*match.span(), "PERSON")


def none(text: str) -> None:
    """Forgets to return."""


def too_long(text: str) -> list[tuple[int, int, str]]:
    return [(0, len(text) + 1, "PERSON")]


def overlapping(text: str) -> list[tuple[int, int, str]]:
    return [(0, 3, "PERSON"), (2, 4, "PERSON")]


def unkind(text: str) -> list[tuple[int, int, str]]:
    return [(0, 1, "a person")]


def failing(text: str) -> list[tuple[int, int, str]]:
    raise RuntimeError(text)


def no_spans(text: str) -> list[str]:
    return [text]


def never_done(text: str) -> list[tuple[int, int, str]]:
    return [(0, 1, "X")] if not text.startswith("<") else [(text.rindex(">") + 1, text.rindex(">") + 2, "X")]


def of_two(text: str, language: str) -> list[tuple[int, int, str]]:
    return []
