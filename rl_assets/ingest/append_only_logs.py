"""Append-only logs without a date: their new complete lines are copied, once, into dated chunks for ingestion.

Run it with `python -m rl_assets.ingest.append_only_logs`, or with `--by event-time` to import a history under its own
dates.

The next chunk (source, byte range, day) is written to the state file first, then its lines, then that it has landed. A
killed run is completed by the next one with the same bytes and file names, so no line lands twice. Rotated files are
read too, from where their log had landed.
"""

import argparse
import fcntl
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import IO

from rl_assets.core.files import write_atomically
from rl_assets.core.object_store import AnyPath, ObjectPath
from rl_assets.ingest.event_days import lines_by_day
from rl_assets.ingest.landing import LandingError, inside, is_log, is_rotated, undated_files, undated_others
from rl_assets.ingest.log_bytes import TAIL_BYTES, first_line, last_newline, tail_of, uncompressed
from rl_assets.ingest.log_state import (
    STATE_FOLDER,
    By,
    Chunk,
    LogState,
    Look,
    States,
    read_looks,
    write_looks,
)
from rl_assets.ingest.streams import COMPRESSED_SUFFIXES
from rl_assets.metrics.scales import Metrics
from rl_assets.settings import load_settings

CHUNK_BYTES = 64 * 2**20
SETTLED_SECONDS = 60
LOCK_FILE = ".growing.lock"
NULS_BEFORE_A_LINE = re.compile(rb"^\0+", re.MULTILINE)


class UnfinishedLogError(LandingError):
    """A rotated file may still be written; the next look reads it."""


@dataclass(frozen=True)
class NewLines:
    """The chunks that landed, and sentences about what could not land."""

    chunks: list[Chunk] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def land_new_lines(landing: AnyPath, today: date, by: By = "arrival", metrics: Metrics | None = None) -> NewLines:
    """Copy the new complete lines of every append-only log, and of its rotated files, into chunks.

    A last line without a newline waits. A log that cannot be read is named and stops no other. A log that was cut or
    replaced is read from its start; if no file alongside continues what had landed of the previous one, that is named.
    Objects of an object store cannot be appended to. `metrics` are read for event times only.
    """
    if isinstance(landing, ObjectPath):
        return NewLines()
    with _locked(landing):
        lines = NewLines()
        for folder, sources in _by_folder(undated_files(landing)):
            _Folder(landing, folder, today, by, metrics or {}, lines).land(list(sources))
        return lines


def _by_folder(sources: list[Path]) -> Iterator[tuple[Path, Iterator[Path]]]:
    return groupby(sorted(sources, key=lambda path: (path.parent, path.name)), key=lambda path: path.parent)


@dataclass
class _Folder:
    """One look at the logs of one folder."""

    landing: Path
    folder: Path
    today: date
    by: By
    metrics: Metrics
    result: NewLines

    def __post_init__(self) -> None:
        self.states = States(self.folder / STATE_FOLDER)
        self.before = read_looks(self.states.folder)
        self.now: dict[int, Look] = {}
        self.continued: set[str] = set()

    def land(self, sources: list[Path]) -> None:
        """The oldest first, so that a log's chunks sort in the order of its lines."""
        for path in sorted(sources, key=_changed_at):
            try:
                self._land(path)
            except UnfinishedLogError:
                continue
            except (OSError, LandingError) as error:
                self._name_failure(path, error)
        self._compare([path.name for path in sources])
        if self.now != self.before:
            write_looks(self.states.folder, self.now)

    def _land(self, source: Path) -> None:
        inside(self.landing, source)
        status = source.stat()
        look = self.before.get(status.st_ino)
        if look and look.is_of(status):
            self.now[status.st_ino] = replace(look, name=source.name)
            self.continued.add(look.state)
            return
        with uncompressed(source) as file:
            size = file.seek(0, 2)
            line = first_line(file)
            if line is None and not is_rotated(source.name):
                return
            state = self._state(source, file, size, *line) if line else LogState("")
            self.continued.add(state.name)
            if line and state.landed <= size:
                state = self._land_chunks(source, file, state)
            self._name_rest(source, size - state.landed, status.st_mtime)
        self.now[status.st_ino] = Look(source.name, status.st_size, status.st_mtime_ns, state.name)

    def _state(self, source: Path, file: IO[bytes], size: int, start: int, head: str) -> LogState:
        """The state that the file continues, or a new one."""
        if state := self.states.find(head, file, size):
            return state
        if all(look.name != source.name for look in self.before.values()):
            for state in self.states.with_head(head):
                if state.landed > size and self._has_landed(state, file, size):
                    return replace(state, begun=None)
        return self.states.create(_stem(source.name), head, start)

    def _has_landed(self, state: LogState, file: IO[bytes], size: int) -> bool:
        """Whether a shorter file is a copy of what has landed, complete or not yet, by its last bytes, which are in a
        chunk."""
        for path in self.folder.glob(f"*/{state.name}@*.jsonl"):
            start, end = map(int, path.stem.rpartition("@")[2].split("-"))
            if start < size <= end and path.stat().st_size == end - start:
                with path.open("rb") as chunk:
                    tail = min(size - start, TAIL_BYTES)
                    file.seek(size - tail)
                    chunk.seek(size - start - tail)
                    return file.read(tail) == chunk.read(tail)
        return False

    def _land_chunks(self, source: Path, file: IO[bytes], state: LogState) -> LogState:
        if state.begun is None and state.tail is None:
            state = replace(state, tail=tail_of(file, state.landed))
            self.states.write(state)
        while chunk := state.begun or self._next_chunk(source, file, state.landed):
            if state.begun is None:
                self.states.write(replace(state, begun=chunk))
            self._copy(file, state.name, chunk)
            state = LogState(state.name, chunk.end, tail_of(file, chunk.end))
            self.states.write(state)
            self.result.chunks.append(chunk)
        return state

    def _next_chunk(self, source: Path, file: IO[bytes], start: int) -> Chunk | None:
        end = last_newline(file, start, CHUNK_BYTES)
        return Chunk(self._name(source), start, end, str(self.today), self.by) if end > start else None

    def _copy(self, file: IO[bytes], name: str, chunk: Chunk) -> None:
        file.seek(chunk.start)
        content = file.read(chunk.end - chunk.start)
        if b"\0" in content:
            content = NULS_BEFORE_A_LINE.sub(b"", content)
        days = {chunk.day: content}
        if chunk.by == "event-time":
            log_format = self.folder.relative_to(self.landing).parts[0]
            days = lines_by_day(content, log_format, chunk.day, self.metrics)
        for day, lines in days.items():
            write_atomically(self.folder / day / f"{name}@{chunk.start:014d}-{chunk.end:014d}.jsonl", lines)

    def _name_failure(self, source: Path, error: Exception) -> None:
        """Name a file that cannot be read; a compressed one is not tried again until it changes."""
        try:
            status = source.stat()
        except FileNotFoundError:
            return  # It was renamed meanwhile: the next look finds it.
        if source.suffix in COMPRESSED_SUFFIXES:
            if not _settled(status.st_mtime):
                return  # It may still be written.
            self.now[status.st_ino] = Look(source.name, status.st_size, status.st_mtime_ns, "")
        self.result.notices.append(f"{self._name(source)} has not landed: {error}")

    def _name_rest(self, source: Path, rest: int, changed_at: float) -> None:
        if rest <= 0 or not is_rotated(source.name):
            return
        if not _settled(changed_at):
            raise UnfinishedLogError(f"{source} may still be written")
        self.result.notices.append(
            f"{self._name(source)} has {rest} bytes after its last complete line, which have not landed"
        )

    def _compare(self, names: list[str]) -> None:
        """Name the logs whose name now belongs to another log, if no file holds the lines that they got since."""
        present = {look.name for look in self.now.values()}
        for inode, look in self.before.items():
            if look.state in self.continued or is_rotated(look.name):
                continue
            if look.name not in present:
                # It is gone, cannot be read or has no complete line yet: compared when it has.
                self.now.setdefault(inode, replace(look, mtime_ns=-1))
            elif not self._continues_elsewhere(look, names):
                name, landed = self._name(self.folder / look.name), self.states.read(look.state).landed
                self.result.notices.append(
                    f"{name} was cut or replaced after {landed} bytes of it had landed, and no file alongside "
                    "continues them: lines written between the last look and then are lost, unless their file is put "
                    "there"
                )

    def _continues_elsewhere(self, look: Look, names: list[str]) -> bool:
        """Whether a file that was not looked at continues the log: it was renamed meanwhile and is looked at next, or
        its name gives it a day, so that all of it is ingested there.
        """
        head = look.state.rpartition("-")[2]
        for path in self.folder.glob(f"{_stem(look.name)}*"):
            if path.name not in names and is_log(path.name) and path.is_file():
                with suppress(OSError), uncompressed(path) as file:
                    found = self.states.find(head, file, file.seek(0, 2))
                    if found and found.name == look.state:
                        return True
        return False

    def _name(self, source: Path) -> str:
        return source.relative_to(self.landing).as_posix()


def _stem(name: str) -> str:
    return name[: name.rindex(".jsonl")]


def _changed_at(path: Path) -> tuple[int, Path]:
    """A key to sort by; a file that was renamed meanwhile is not there."""
    try:
        return path.stat().st_mtime_ns, path
    except OSError:
        return 0, path


def _settled(changed_at: float) -> bool:
    return time.time() - changed_at > SETTLED_SECONDS


@contextmanager
def _locked(landing: Path) -> Iterator[None]:
    """One landing at a time, across processes; the lock ends with its process."""
    with (landing / LOCK_FILE).open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Land the new lines and print their byte ranges."""
    parser = argparse.ArgumentParser(description="Land the new lines of append-only logs.")
    parser.add_argument("--by", choices=("arrival", "event-time"), default="arrival")
    by = parser.parse_args().by
    settings = load_settings()
    landing = settings.paths.landing
    result = land_new_lines(landing, datetime.now(UTC).date(), by, settings.metrics)
    for chunk in result.chunks:
        print(f"{chunk.source}: bytes {chunk.start} to {chunk.end}")
    for notice in result.notices:
        print(notice)
    for name in undated_others(landing):
        print(f"{name}: skipped, only logs of JSON lines land without a day; put its day into its name or folder")
    print(f"{sum(chunk.end - chunk.start for chunk in result.chunks):,} new bytes landed")


if __name__ == "__main__":
    main()
