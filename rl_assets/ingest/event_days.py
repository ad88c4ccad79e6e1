"""The day of each line of a log, by the time at which its format says that it happened.

The lines are read as ingestion reads them, so that every format and every spelling of a time is known.
"""

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rl_assets.ingest.landing import LandedFile
from rl_assets.ingest.parsers import RejectedLineError, timestamp
from rl_assets.metrics.scales import Metrics

# Where formats keep a time, for lines that they reject.
TIME_FIELDS = ("timestamp", "created_at", "createdAt", "created", "created_date", "start_time", "startTime", "time")


def lines_by_day(content: bytes, log_format: str, arrival: str, metrics: Metrics) -> dict[str, bytes]:
    """The lines of each day, in order; a line without a readable event time goes under the day of arrival."""
    lines = content.removesuffix(b"\n").split(b"\n")
    times = _times(content, log_format, date.fromisoformat(arrival), metrics)
    if times.keys() != set(range(1, len(lines) + 1)):
        # Records that are not one per line must not be torn apart.
        return {arrival: content}
    days: dict[str, list[bytes]] = {}
    for number, line in enumerate(lines, start=1):
        time = times[number] or _reported_time(line)
        days.setdefault(str(time.astimezone(UTC).date()) if time else arrival, []).append(line + b"\n")
    return {day: b"".join(lines) for day, lines in days.items()}


def _times(content: bytes, log_format: str, arrival: date, metrics: Metrics) -> dict[int, datetime | None]:
    """The time of the record of each line by its number, None of a line that is rejected."""
    from rl_assets.ingest.day import parsed_times

    with TemporaryDirectory() as folder:
        path = Path(folder) / "chunk.jsonl"
        path.write_bytes(content)
        return parsed_times(LandedFile("chunk.jsonl", log_format, path), arrival, metrics)


def _reported_time(line: bytes) -> datetime | None:
    """A time in a JSON object or in an object in it."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    objects: list[dict[str, Any]] = [record] if isinstance(record, dict) else []
    objects += [value for each in objects for value in each.values() if isinstance(value, dict)]
    for each in objects:
        for field in TIME_FIELDS:
            with suppress(RejectedLineError):
                if time := timestamp(each, field):
                    return time
    return None
