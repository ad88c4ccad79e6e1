"""Counts of one worker's lines in a file that outlives it: a process that was killed loses lines, but never unnoticed.

Slots of eight bytes: lines accepted, dropped, and handed to the feedback service, then for each log format the lines in
sealed files and the number of the last one. The file is mapped, so a count is a store to memory that the system keeps
when the process ends.
"""

import fcntl
import mmap
import struct
import threading
from pathlib import Path
from typing import BinaryIO, Self

FORMATS = ("interaction_log", "feedback_table", "reward_log")
ACCEPTED, DROPPED, HANDED_OVER, FIRST_FORMAT = 0, 1, 2, 3
SLOT = 8
SIZE = SLOT * (FIRST_FORMAT + 2 * len(FORMATS))
SUFFIX = ".counts"


class SpoolCounts:
    """In memory until `keep_in` gives it a file. `accept` and `drop` may be called by any thread."""

    def __init__(self, content: bytes = bytes(SIZE)) -> None:
        self._slots: bytearray | mmap.mmap = bytearray(content)
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """The counts in a file; zeros if it is not whole."""
        content = path.read_bytes()
        return cls(content if len(content) == SIZE else bytes(SIZE))

    def keep_in(self, path: Path) -> None:
        """Move to a new file, and lock it for the life of this process. Raises OSError."""
        hidden = path.with_name(f".{path.name}")
        file = hidden.open("w+b")
        fcntl.flock(file, fcntl.LOCK_EX)
        with self._lock:
            file.write(bytes(self._slots))
            file.flush()
            self._slots = mmap.mmap(file.fileno(), SIZE)
            self._file = file
        # Whoever finds the name finds the lock, too.
        hidden.rename(path)

    def close(self) -> None:
        """Give the lock back."""
        if self._file:
            self._file.close()

    @property
    def accepted(self) -> int:
        return self._get(ACCEPTED)

    @property
    def dropped(self) -> int:
        return self._get(DROPPED)

    @property
    def handed_over(self) -> int:
        return self._get(HANDED_OVER)

    def accept(self) -> None:
        with self._lock:
            self._set(ACCEPTED, self.accepted + 1)

    def drop(self, lines: int = 1) -> None:
        with self._lock:
            self._set(DROPPED, self.dropped + lines)

    def hand_over(self) -> None:
        """A line went to the feedback service's logger, which keeps it from here on."""
        with self._lock:
            self._set(HANDED_OVER, self.handed_over + 1)

    def seal(self, log_format: str, lines: int, number: int) -> None:
        """A file with this number was filled with lines; both slots change in one store."""
        with self._lock:
            first = _slot_of(log_format)
            self._slots[SLOT * first : SLOT * (first + 2)] = struct.pack("<QQ", self._get(first) + lines, number)

    def is_sealed(self, log_format: str, number: int) -> bool:
        """Whether the lines of that file are counted already."""
        return number <= self._get(_slot_of(log_format) + 1)

    def missing(self, lines_left: int) -> int:
        """Lines that were accepted and are in no file, given how many are in files that are not sealed."""
        sealed = sum(self._get(_slot_of(log_format)) for log_format in FORMATS)
        return max(0, self.accepted - self.dropped - self.handed_over - sealed - lines_left)

    def _get(self, slot: int) -> int:
        return int(struct.unpack_from("<Q", self._slots, SLOT * slot)[0])

    def _set(self, slot: int, value: int) -> None:
        struct.pack_into("<Q", self._slots, SLOT * slot, value)


def _slot_of(log_format: str) -> int:
    return FIRST_FORMAT + 2 * FORMATS.index(log_format)
