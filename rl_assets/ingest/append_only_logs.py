"""Append-only logs without a date: their new complete lines are copied, once, into dated chunks for ingestion.

Run it with `python -m rl_assets.ingest.append_only_logs`, or with `--by event-time` to import a history under its own
dates.

The next chunk (source, byte range, day) is written to the state file first, then its lines, then that it has landed. A
killed run is completed by the next one with the same bytes and file names, so no line lands twice.
"""

import argparse
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from rl_assets.core.files import sha256_text, write_atomically, write_json
from rl_assets.core.object_store import AnyPath, ObjectPath
from rl_assets.ingest.landing import LandingError, undated_files, undated_others
from rl_assets.settings import load_settings

By = Literal["arrival", "event-time"]
CHUNK_BYTES = 64 * 2**20
# Names on disk: with another one, every log would land again from its start.
STATE_FOLDER = ".growing"
LOCK_FILE = ".growing.lock"


@dataclass(frozen=True)
class Chunk:
    """Bytes `start` to `end` of a log, to land under `day`, or each line under the day of its event."""

    source: str
    start: int
    end: int
    day: str
    by: By


def land_new_lines(landing: AnyPath, today: date, by: By = "arrival") -> list[Chunk]:
    """Copy the new complete lines of every append-only log into chunks; returns them.

    A last line without a newline waits. A log with a new first line was rotated and is read from its start. Objects of
    an object store cannot be appended to. Raises LandingError if a log is shorter than what has landed of it.
    """
    if isinstance(landing, ObjectPath):
        return []
    with _locked(landing):
        return [chunk for source in undated_files(landing) for chunk in _land_source(landing, source, today, by)]


def _land_source(landing: Path, source: Path, today: date, by: By) -> Iterator[Chunk]:
    first_line = _first_line(source)
    if first_line is None:
        return
    name = f"{source.stem}-{sha256_text(first_line)[:8]}"
    state_file = source.parent / STATE_FOLDER / f"{name}.json"
    landed, unfinished = _read_state(state_file)
    if unfinished:
        yield _finish(source, name, unfinished, state_file)
        landed = unfinished.end
    if source.stat().st_size < landed:
        raise LandingError(
            f"{source} was truncated: it has {source.stat().st_size} bytes, but {landed} of it have landed; rename it"
        )
    while (end := _last_newline(source, landed)) > landed:
        chunk = Chunk(source.relative_to(landing).as_posix(), landed, end, str(today), by)
        write_json(state_file, {"landed": landed, "begun": asdict(chunk)})
        yield _finish(source, name, chunk, state_file)
        landed = end


def _read_state(path: Path) -> tuple[int, Chunk | None]:
    """Bytes landed so far, and the chunk of a killed run."""
    if not path.exists():
        return 0, None
    state = json.loads(path.read_text(encoding="utf-8"))
    return state["landed"], Chunk(**state["begun"]) if state["begun"] else None


def _finish(source: Path, name: str, chunk: Chunk, state_file: Path) -> Chunk:
    with source.open("rb") as file:
        file.seek(chunk.start)
        content = file.read(chunk.end - chunk.start)
    for day, lines in _by_day(content, chunk).items():
        write_atomically(source.parent / day / f"{name}@{chunk.start}-{chunk.end}.jsonl", lines)
    write_json(state_file, {"landed": chunk.end, "begun": None})
    return chunk


def _by_day(content: bytes, chunk: Chunk) -> dict[str, bytes]:
    """The lines of each day, in order; a line without a readable event time goes under the day of arrival."""
    if chunk.by == "arrival":
        return {chunk.day: content}
    days: dict[str, list[bytes]] = {}
    for line in content.split(b"\n")[:-1]:
        days.setdefault(_event_day(line) or chunk.day, []).append(line + b"\n")
    return {day: b"".join(lines) for day, lines in days.items()}


def _event_day(line: bytes) -> str | None:
    """UTC day of a record's `timestamp` or `created_at`: ISO 8601, unix seconds or milliseconds."""
    try:
        record = json.loads(line)
        moment = record.get("timestamp", record.get("created_at"))
        if isinstance(moment, str):
            time = datetime.fromisoformat(moment)
            return str((time.astimezone(UTC) if time.tzinfo else time).date())
        return str(datetime.fromtimestamp(moment if moment < 1e11 else moment / 1000, UTC).date())
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None  # Ingestion will reject it with a reason.


def _first_line(source: Path) -> str | None:
    with source.open("rb") as file:
        line = file.readline(CHUNK_BYTES)
    return line.decode("utf-8", "replace") if line.endswith(b"\n") else None


def _last_newline(source: Path, start: int) -> int:
    """Offset of the end of the last complete line within the next block that ends one; `start` if there is none."""
    with source.open("rb") as file:
        file.seek(start)
        offset = start
        while block := file.read(CHUNK_BYTES):
            if end := block.rfind(b"\n") + 1:
                return offset + end
            offset += len(block)
    return start


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
    landing = load_settings().paths.landing
    chunks = land_new_lines(landing, datetime.now(UTC).date(), by)
    for chunk in chunks:
        print(f"{chunk.source}: bytes {chunk.start} to {chunk.end}")
    for name in undated_others(landing):
        print(f"{name}: skipped, only .jsonl files can be append-only logs; put its day into its name or folder")
    print(f"{sum(chunk.end - chunk.start for chunk in chunks):,} new bytes landed")


if __name__ == "__main__":
    main()
