"""Converts lines of formats that SQL cannot read to records, one line at a time; the rest of ingestion is the same.

A format is one module in `rl_assets.ingest.formats` with one function `records(row, context)`. It takes the JSON object
of a line and returns its Records, or raises RejectedLineError.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa

from rl_assets.core.files import sha256_json
from rl_assets.ingest.parsers import Json, RejectedLineError, parse_json
from rl_assets.lake.table import Table
from rl_assets.metrics.scales import Metrics
from rl_assets.tables.records import FEEDBACK, INTERACTIONS

DERIVED = ("day", "content_sha256", "prompt_key", "answer_key", "roles", "position", "source_file", "source_line")
CONVERTED_ROWS = 2_000


@dataclass(frozen=True)
class LineContext:
    """What a format knows besides the JSON object of a line."""

    day: date
    metrics: Metrics

    @property
    def start(self) -> datetime:
        """The start of the log day, for lines without a time."""
        return datetime.combine(self.day, datetime.min.time(), UTC)

    def line_id(self, row: Json, feedback: str) -> str:
        """An id for a record without one: the hash of its content, without the field `feedback`, which may be added to
        the same record when it is exported again.
        """
        return sha256_json({field: value for field, value in row.items() if field != feedback})


@dataclass(frozen=True)
class Records:
    """What one line holds: answers (columns of `interactions`) and feedback events (columns of `feedback`)."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        if not self.answers:
            return "feedback"
        return "interaction" if len(self.answers) == 1 else "tree"


Parser = Callable[[Json, LineContext], Records]


def _struct(table: Table) -> pa.DataType:
    return pa.struct([(item.name, item.type) for item in table.schema if item.name not in DERIVED])


ANSWER, EVENT = _struct(INTERACTIONS), _struct(FEEDBACK)
CONVERTED = pa.schema(
    [
        ("source_file", pa.string()),
        ("source_line", pa.int64()),
        ("fault", pa.string()),
        ("line", pa.string()),
        ("record", pa.string()),
        ("interaction", ANSWER),
        ("feedback", pa.list_(EVENT)),
        ("answers", pa.list_(ANSWER)),
    ]
)


def python_formats() -> list[str]:
    """Names of the formats that are converted here: one module each."""
    folder = Path(__file__).parent / "formats"
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def convert_lines(lines: pa.RecordBatchReader, log_format: str, day: date, metrics: Metrics) -> pa.RecordBatchReader:
    """The stream of LINES as a stream of CONVERTED; `fault` is set if a line has no records."""
    records: Parser = import_module(f"rl_assets.ingest.formats.{log_format}").records
    return pa.RecordBatchReader.from_batches(CONVERTED, _batches(lines, records, day, metrics))


def _batches(lines: pa.RecordBatchReader, records: Parser, day: date, metrics: Metrics) -> Iterator[pa.RecordBatch]:
    for batch in lines:
        for start in range(0, batch.num_rows, CONVERTED_ROWS):
            rows = batch.slice(start, CONVERTED_ROWS).to_pylist()
            converted = [_convert(row, records, LineContext(day, metrics)) for row in rows]
            yield pa.RecordBatch.from_pylist(converted, schema=CONVERTED)


def _convert(row: dict[str, Any], records: Parser, context: LineContext) -> dict[str, Any]:
    position = {name: row[name] for name in ("source_file", "source_line", "line")}
    try:
        converted = _records(row, records, context)
    except RejectedLineError as error:
        return {**position, "fault": error.fault, "feedback": []}
    answers = converted.answers
    return {
        **position,
        "record": converted.kind,
        "interaction": answers[0] if len(answers) == 1 else None,
        "answers": answers if len(answers) > 1 else [],
        "feedback": converted.feedback,
    }


def _records(row: dict[str, Any], records: Parser, context: LineContext) -> Records:
    if row["reason"]:
        raise RejectedLineError(row["reason"], row["detail"] or "")
    value = parse_json(row["line"])
    if not isinstance(value, dict):
        raise RejectedLineError("not_an_object", type(value).__name__)
    converted = records(value, context)
    if not converted.answers and not converted.feedback:
        raise RejectedLineError("missing_field", "an answer or feedback")
    return converted
