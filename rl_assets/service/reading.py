"""Texts of a log made readable without being rendered: code blocks set apart, long texts folded. Nothing is lost.

Each piece is plain text that the templates escape.
"""

import re
from dataclasses import dataclass

from rl_assets.core.chat import Message

# A fenced block, or one whose end is missing; the fences stay in the text. The possessive `+` keeps a long row of signs
# from being tried at each of its lengths.
FENCED = re.compile(
    r"^[ \t]{0,3}(?P<fence>`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^[ \t]{0,3}(?P=fence)[ \t]*(?=\n|\Z)|\Z)", re.M | re.S
)
# Of a message before the answer, and of an answer, which is to be read as a whole.
MESSAGE_CHARACTERS, ANSWER_CHARACTERS = 3_000, 12_000
ROLE_NAMES = {
    "system": "Instructions",
    "user": "Person",
    "assistant": "Answer",
    "tool": "Tool",
    "developer": "Instructions",
}
FOLDED_ROLES = ("system", "developer", "tool")


@dataclass(frozen=True)
class Piece:
    """A run of text: prose, or a block of code with its fences."""

    text: str
    is_code: bool


@dataclass(frozen=True)
class Passage:
    """A text in pieces: those that are shown at once, and those behind "show the rest"."""

    shown: tuple[Piece, ...]
    rest: tuple[Piece, ...]
    rest_characters: int


@dataclass(frozen=True)
class Turn:
    """A message of a conversation with the name of who says it; `is_folded` if it is opened by a click."""

    name: str
    role: str
    passage: Passage
    is_folded: bool


def pieces(text: str) -> tuple[Piece, ...]:
    """The text in order, split into prose and fenced code."""
    found, end = [], 0
    for match in FENCED.finditer(text):
        found += [Piece(text[end : match.start()].strip("\n"), False), Piece(match.group(), True)]
        end = match.end()
    found.append(Piece(text[end:].strip("\n") if found else text, False))
    return tuple(piece for piece in found if piece.text)


def passage(text: str, limit: int = MESSAGE_CHARACTERS) -> Passage:
    """The text; one above the limit shows its first half of the limit, up to the end of a line or word."""
    if len(text) <= limit:
        return Passage(pieces(text), (), 0)
    shown = limit // 2
    cut = max(text.rfind("\n", shown // 2, shown), 0) or max(text.rfind(" ", 0, shown), 0) or shown
    return Passage(pieces(text[:cut]), pieces(text[cut:].lstrip()), len(text) - cut)


def turns(prompt: tuple[Message, ...]) -> list[Turn]:
    """The turns of a conversation; instructions and what tools say are folded, unless there is nothing else."""
    fold = any(message["role"] not in FOLDED_ROLES for message in prompt)
    return [
        Turn(
            ROLE_NAMES.get(message["role"] or "", message["role"] or "Somebody"),
            message["role"] or "",
            passage(message["content"] or ""),
            fold and message["role"] in FOLDED_ROLES,
        )
        for message in prompt
    ]
