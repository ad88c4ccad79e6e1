"""Lines of formats that SQL cannot read become records here, one line at a time; the rest of ingestion is the same.

A format is one module in `rl_assets.ingest.formats` with one function `records(row, reading)`. It gets a line's JSON
object and gives its Records, or raises Refused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa

from rl_assets.ingest.readings import Json, Refused, parsed
from rl_assets.metrics.scales import Metrics
from rl_assets.tables import records as tables

DERIVED = ("day", "content_sha256", "prompt_key", "answer_key", "roles", "source_file", "source_line")
CONVERTED_ROWS = 2_000


@dataclass(frozen=True)
class Reading:
    """What a format may know besides the line."""

    day: date
    metrics: Metrics
    line: str = ""

    @property
    def start(self) -> datetime:
        """The start of the log day, for lines that tell no time."""
        return datetime.combine(self.day, datetime.min.time(), UTC)

    @property
    def line_id(self) -> str:
        """An id for what has none: the hash of the line."""
        return sha256(self.line.strip().encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class Records:
    """What one line says: answers (columns of `interactions`) and acts of feedback (columns of `feedback`)."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        if not self.answers:
            return "feedback"
        return "interaction" if len(self.answers) == 1 else "tree"


def _struct(table: tables.Table) -> pa.DataType:
    return pa.struct([(item.name, item.type) for item in table.schema if item.name not in DERIVED])


ANSWER, ACT = _struct(tables.INTERACTIONS), _struct(tables.FEEDBACK)
CONVERTED = pa.schema(
    [
        ("source_file", pa.string()),
        ("source_line", pa.int64()),
        ("fault", pa.string()),
        ("line", pa.string()),
        ("record", pa.string()),
        ("interaction", ANSWER),
        ("feedback", pa.list_(ACT)),
        ("answers", pa.list_(ANSWER)),
    ]
)


def converters() -> list[str]:
    """Names of the formats that are read here: one module each."""
    folder = Path(__file__).parent / "formats"
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def converted(lines: pa.RecordBatchReader, log_format: str, reading: Reading) -> pa.RecordBatchReader:
    """The stream of LINES as a stream of CONVERTED, with `fault` where a line has no records."""
    records: Callable[[Json, Reading], Records] = import_module(f"rl_assets.ingest.formats.{log_format}").records
    return pa.RecordBatchReader.from_batches(CONVERTED, _converted(lines, records, reading))


def _converted(
    lines: pa.RecordBatchReader, records: Callable[[Json, Reading], Records], reading: Reading
) -> Iterator[pa.RecordBatch]:
    for batch in lines:
        for start in range(0, batch.num_rows, CONVERTED_ROWS):
            rows = batch.slice(start, CONVERTED_ROWS).to_pylist()
            yield pa.RecordBatch.from_pylist([_line(row, records, reading) for row in rows], schema=CONVERTED)


def _line(row: dict[str, Any], records: Callable[[Json, Reading], Records], reading: Reading) -> dict[str, Any]:
    place = {name: row[name] for name in ("source_file", "source_line", "line")}
    try:
        found = _records(row, records, reading)
    except Refused as refused:
        return {**place, "fault": refused.fault, "feedback": []}
    answers = found.answers
    return {
        **place,
        "record": found.kind,
        "interaction": answers[0] if len(answers) == 1 else None,
        "answers": answers if len(answers) > 1 else [],
        "feedback": found.feedback,
    }


def _records(row: dict[str, Any], records: Callable[[Json, Reading], Records], reading: Reading) -> Records:
    if row["reason"]:
        raise Refused(row["reason"], row["detail"] or "")
    value = parsed(row["line"])
    if not isinstance(value, dict):
        raise Refused("not_an_object", type(value).__name__)
    found = records(value, Reading(reading.day, reading.metrics, row["line"]))
    if not found.answers and not found.feedback:
        raise Refused("missing_field", "an answer or feedback")
    return found
