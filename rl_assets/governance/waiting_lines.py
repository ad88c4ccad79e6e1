"""Lines that the gateway has logged and that have not landed yet: those of the erased are blanked where they stand.

The gateway may be appending to the same file. So a line becomes spaces of its own length: no byte moves, the gateway's
counts of lines stay true. It leaves such lines out when it lands a file, and the feedback service takes none.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rl_assets.core.home import Home
from rl_assets.ingest.parsers import RejectedLineError, identifier
from rl_assets.lake.tombstones import INTERACTION_IDS, Erased, hash_user

# Growing files first: one that is sealed or lands meanwhile is found at its next place.
FOLDERS = ("spool", "for_service")


@dataclass(frozen=True)
class WaitingLine:
    """A line of a file: its first byte, its bytes without the newline, the answers that it names, and its user."""

    start: int
    content: bytes
    is_answer: bool = False
    interactions: tuple[str, ...] = ()
    user: str | None = None

    def is_of(self, erased: Erased, user_key: bytes) -> bool:
        """Whether it names an erased interaction or user; a line that cannot be read names whatever stands in it."""
        if not self.interactions:
            return erased.is_named_in(self.content.decode("utf-8", "replace"), user_key)
        return self.is_by(erased, user_key) or any(name in erased.interactions for name in self.interactions)

    def is_by(self, erased: Erased, user_key: bytes) -> bool:
        """Whether its user is erased."""
        return self.user is not None and hash_user(self.user, user_key) in erased.users


def waiting_answers(home: Home, erased: Erased, user_key: bytes) -> frozenset[str]:
    """Ids of answers to erased users: feedback on them may name no user."""
    lines = (line for path in _files(home) for line in _lines(path))
    return frozenset(line.interactions[0] for line in lines if line.is_answer and line.is_by(erased, user_key))


def count_waiting(home: Home, erased: Erased, user_key: bytes) -> int:
    """Lines that blanking would find."""
    return sum(line.is_of(erased, user_key) for path in _files(home) for line in _lines(path))


def blank_waiting(home: Home, erased: Erased, user_key: bytes) -> int:
    """Overwrite the lines of the erased; how many there were. Raises OSError."""
    return sum(_blank(path, erased, user_key) for path in _files(home))


def _blank(path: Path, erased: Erased, user_key: bytes) -> int:
    found = [line for line in _lines(path) if line.is_of(erased, user_key)]
    if not found:
        return 0
    try:
        file = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        return 0
    try:
        for line in found:
            os.pwrite(file, b" " * len(line.content), line.start)
        os.fsync(file)
    finally:
        os.close(file)
    return len(found)


def _files(home: Home) -> Iterator[Path]:
    for folder in FOLDERS:
        root = home.serving / folder
        yield from sorted(root.glob("*.jsonl"))
        yield from sorted(root.glob("*/**/*.jsonl"))


def _lines(path: Path) -> Iterator[WaitingLine]:
    """The lines that are not blank; none of a file that has moved."""
    start = 0
    try:
        with path.open("rb") as file:
            for line in file:
                if content := line.rstrip():
                    yield _read(start, content)
                start += len(line)
    except FileNotFoundError:
        return


def _read(start: int, content: bytes) -> WaitingLine:
    try:
        row = json.loads(content)
        if not isinstance(row, dict):
            return WaitingLine(start, content)
        names = tuple(name for field in INTERACTION_IDS if (name := identifier(row, field)))
        return WaitingLine(start, content, "query" in row and bool(names), names, identifier(row, "user_id"))
    except (ValueError, RecursionError, RejectedLineError):
        return WaitingLine(start, content)
