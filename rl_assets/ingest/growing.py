"""Undated logs that grow: their new complete lines are copied, once, into dated segments that ingestion reads.

Run it with `python -m rl_assets.ingest.growing`, or with `--by event-time` to import a history under its own dates.

What is about to be landed is written down first (source, byte range, day), then the segments, then that it is done. A
run that was killed is finished by the next one with the same bytes and the same names, so nothing is landed twice.
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
BATCH_BYTES = 64 * 2**20
STATE = ".growing"


@dataclass(frozen=True)
class Batch:
    """Bytes `start` to `end` of a growing log, to be landed under `day`, or each line under its event's day."""

    source: str
    start: int
    end: int
    day: str
    by: By


def land(landing: AnyPath, today: date, by: By = "arrival") -> list[Batch]:
    """Copy the new complete lines of every undated log into segments; what was landed.

    A last line without its newline waits. A log whose first line is another one was rotated and is read from its start.
    Objects of an object store do not grow. Raises LandingError where a log became shorter than what was landed of it.
    """
    if isinstance(landing, ObjectPath):
        return []
    with _locked(landing):
        return [batch for source in undated_files(landing) for batch in _land_source(landing, source, today, by)]


def _land_source(landing: Path, source: Path, today: date, by: By) -> Iterator[Batch]:
    first_line = _first_line(source)
    if first_line is None:
        return
    name = f"{source.stem}-{sha256_text(first_line)[:8]}"
    state_file = source.parent / STATE / f"{name}.json"
    landed, begun = _read_state(state_file)
    if begun:
        yield _finish(source, name, begun, state_file)
        landed = begun.end
    if source.stat().st_size < landed:
        raise LandingError(f"{source} has {source.stat().st_size} bytes, {landed} were landed: it was cut; rename it")
    while (end := _last_newline(source, landed)) > landed:
        batch = Batch(source.relative_to(landing).as_posix(), landed, end, str(today), by)
        write_json(state_file, {"landed": landed, "begun": asdict(batch)})
        yield _finish(source, name, batch, state_file)
        landed = end


def _read_state(path: Path) -> tuple[int, Batch | None]:
    """Bytes landed so far, and the batch that was begun and not finished."""
    if not path.exists():
        return 0, None
    state = json.loads(path.read_text(encoding="utf-8"))
    return state["landed"], Batch(**state["begun"]) if state["begun"] else None


def _finish(source: Path, name: str, batch: Batch, state_file: Path) -> Batch:
    with source.open("rb") as file:
        file.seek(batch.start)
        content = file.read(batch.end - batch.start)
    for day, lines in _by_day(content, batch).items():
        write_atomically(source.parent / day / f"{name}@{batch.start}-{batch.end}.jsonl", lines)
    write_json(state_file, {"landed": batch.end, "begun": None})
    return batch


def _by_day(content: bytes, batch: Batch) -> dict[str, bytes]:
    """The lines of each day, in order; a line whose event time cannot be read goes under the day of arrival."""
    if batch.by == "arrival":
        return {batch.day: content}
    days: dict[str, list[bytes]] = {}
    for line in content.split(b"\n")[:-1]:
        days.setdefault(_event_day(line) or batch.day, []).append(line + b"\n")
    return {day: b"".join(lines) for day, lines in days.items()}


def _event_day(line: bytes) -> str | None:
    """UTC day of a record's `timestamp` or `created_at`: ISO 8601, unix seconds or milliseconds."""
    try:
        record = json.loads(line)
        moment = record.get("timestamp", record.get("created_at"))
        if isinstance(moment, str):
            found = datetime.fromisoformat(moment)
            return str((found.astimezone(UTC) if found.tzinfo else found).date())
        return str(datetime.fromtimestamp(moment if moment < 1e11 else moment / 1000, UTC).date())
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None  # Ingestion will say what is wrong with it.


def _first_line(source: Path) -> str | None:
    with source.open("rb") as file:
        line = file.readline(BATCH_BYTES)
    return line.decode("utf-8", "replace") if line.endswith(b"\n") else None


def _last_newline(source: Path, start: int) -> int:
    """Where the last complete line ends in the next block that ends one, or `start` where none does."""
    with source.open("rb") as file:
        file.seek(start)
        offset = start
        while block := file.read(BATCH_BYTES):
            if end := block.rfind(b"\n") + 1:
                return offset + end
            offset += len(block)
    return start


@contextmanager
def _locked(landing: Path) -> Iterator[None]:
    """One landing at a time, also over processes; the lock goes with its process."""
    with (landing / ".growing.lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Land what is new and print it."""
    parser = argparse.ArgumentParser(description="Land the new lines of undated logs.")
    parser.add_argument("--by", choices=("arrival", "event-time"), default="arrival")
    by = parser.parse_args().by
    landing = load_settings().paths.landing
    batches = land(landing, datetime.now(UTC).date(), by)
    for batch in batches:
        print(f"{batch.source}: bytes {batch.start} to {batch.end}")
    for name in undated_others(landing):
        print(f"{name}: passed over, only .jsonl files grow; put its day into its name or folder")
    print(f"{sum(batch.end - batch.start for batch in batches):,} new bytes landed")


if __name__ == "__main__":
    main()
