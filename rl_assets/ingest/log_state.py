"""What has landed of each append-only log, kept alongside it: how many bytes, and how to know these again.

A log is known by its content, never by its name: by its first line, and by the last bytes that landed. So it is known
after a rotation under any name, as a copy and in compressed form; and a log that was cut and grew again is another one.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from rl_assets.core.files import write_json
from rl_assets.ingest.log_bytes import tail_of

By = Literal["arrival", "event-time"]
# Names on disk: with another one, every log would land again from its start.
STATE_FOLDER = ".growing"
LOOKS = "looks.json"


@dataclass(frozen=True)
class Chunk:
    """Bytes `start` to `end` of a log, to land under `day`, or each line under the day of its event."""

    source: str
    start: int
    end: int
    day: str
    by: By


@dataclass(frozen=True)
class LogState:
    """The first `landed` bytes of a log have landed; `tail` is the hash of their last ones, None in older states.

    `begun` is the chunk of a killed run.
    """

    name: str
    landed: int = 0
    tail: str | None = None
    begun: Chunk | None = None

    def continues_in(self, file: IO[bytes], size: int) -> bool:
        """Whether a file with this first line begins with what has landed and with the chunk that was begun."""
        if size < max(self.landed, self.begun.end if self.begun else 0):
            return False
        return self.tail is None or self.tail == tail_of(file, self.landed)


@dataclass
class States:
    """The states of the logs of a folder."""

    folder: Path
    names: list[str] = field(init=False)

    def __post_init__(self) -> None:
        found = self.folder.glob("*.json") if self.folder.is_dir() else []
        self.names = sorted(path.stem for path in found if path.name != LOOKS)

    def find(self, head: str, file: IO[bytes], size: int) -> LogState | None:
        """The state that the file continues; of several the one of which most has landed."""
        fitting = [state for state in self.with_head(head) if state.continues_in(file, size)]
        return max(fitting, key=lambda state: state.landed, default=None)

    def with_head(self, head: str) -> Iterator[LogState]:
        """The states of logs with this first line."""
        return (self.read(name) for name in self.names if name.endswith(f"-{head}"))

    def read(self, name: str) -> LogState:
        """The state of that name."""
        state = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        begun = Chunk(**state["begun"]) if state["begun"] else None
        return LogState(name, state["landed"], state.get("tail"), begun)

    def create(self, stem: str, head: str, landed: int) -> LogState:
        """The state of a log of which nothing has landed. Names sort in the order in which the logs were met."""
        numbers = [_number(name, stem) for name in self.names]
        name = f"{stem}.{max(numbers, default=0) + 1:06d}-{head}"
        state = LogState(name, landed)
        self.write(state)
        self.names.append(name)
        return state

    def write(self, state: LogState) -> None:
        content = {"landed": state.landed, "tail": state.tail, "begun": asdict(state.begun) if state.begun else None}
        write_json(self.folder / f"{state.name}.json", content)


def _number(name: str, stem: str) -> int:
    """The number of a state of a log with this stem, 0 if it has none."""
    number = name.removeprefix(f"{stem}.").rpartition("-")[0]
    return int(number) if name.startswith(f"{stem}.") and number.isdecimal() else 0


@dataclass(frozen=True)
class Look:
    """A file as it was when everything in it had landed: unless it changed, it need not be opened again."""

    name: str
    size: int
    mtime_ns: int
    state: str

    def is_of(self, status: os.stat_result) -> bool:
        return (self.size, self.mtime_ns) == (status.st_size, status.st_mtime_ns)


def read_looks(states: Path) -> dict[int, Look]:
    """The last look at each file, by inode, which a rename keeps."""
    path = states / LOOKS
    looks: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {int(inode): Look(**look) for inode, look in looks.items()}


def write_looks(states: Path, looks: dict[int, Look]) -> None:
    write_json(states / LOOKS, {str(inode): asdict(look) for inode, look in looks.items()})
