"""Converts lines of formats that SQL cannot read to records, one line at a time; the rest of ingestion is the same.

A format is one module in `rl_assets.ingest.formats` with one function `records(row, context)`. It takes the JSON object
of a line and returns its Records, or raises RejectedLineError.

If records of a format are spread over lines, its module also has `join_key(row)`, the name of the record that a line
is a part of or None, and `joined_records(rows, context)`, the Records or the error of each line of one such record.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from rl_assets.core.files import sha256_json
from rl_assets.ingest.joined_lines import WaitingLines
from rl_assets.ingest.parsers import Json, RejectedLineError, parse_json
from rl_assets.ingest.unread_fields import fields_of, holder_of, joined_fields
from rl_assets.lake.table import Table
from rl_assets.metrics.scales import Metrics
from rl_assets.tables.records import FEEDBACK, INTERACTIONS

DERIVED = ("day", "content_sha256", "prompt_key", "answer_key", "roles", "position", "source_file", "source_line")
CONVERTED_ROWS = 2_000
FAILURE_CHARACTERS = 300
MAX_NUMBER = 2**31  # of tokens and the like; also of a column of 64 bits, so that sums of it are in range


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
    """What one line holds: answers (columns of `interactions`), feedback events (columns of `feedback`), and `notes` on
    scores that it is kept without.
    """

    answers: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        if not self.answers:
            return "feedback"
        return "interaction" if len(self.answers) == 1 else "tree"


Parser = Callable[[Json, LineContext], Records]
Outcome = Records | RejectedLineError
Value = TypeVar("Value")
JoinKey = Callable[[Json], str | None]
JoinedParser = Callable[[list[Json], LineContext], list[Outcome]]


@dataclass(frozen=True)
class LogFormat:
    """How lines of a format are converted, and the fields that it reads."""

    records: Parser
    join_key: JoinKey | None
    joined_records: JoinedParser | None
    fields: tuple[str, ...]
    holder: str | None

    @classmethod
    def named(cls, name: str) -> "LogFormat":
        module = import_module(f"rl_assets.ingest.formats.{name}")
        join_key, joined_records = (getattr(module, join, None) for join in ("join_key", "joined_records"))
        return cls(module.records, join_key, joined_records, fields_of(name), holder_of(name))

    def fields_in(self, row: Json) -> str | None:
        """All fields of a line, if the format does not know some."""
        return joined_fields(row, self.fields, self.holder)


def _struct(table: Table) -> pa.DataType:
    return pa.struct([(item.name, item.type) for item in table.schema if item.name not in DERIVED])


ANSWER, EVENT = _struct(INTERACTIONS), _struct(FEEDBACK)
ANSWER_TEXTS, EVENT_TEXTS = ([item.name for item in fields if item.type == pa.string()] for fields in (ANSWER, EVENT))
ANSWER_NUMBERS = [item.name for item in ANSWER if pa.types.is_integer(item.type)]
CONVERTED = pa.schema(
    [
        ("source_file", pa.string()),
        ("source_line", pa.int64()),
        ("fault", pa.string()),
        ("line", pa.string()),
        ("fields", pa.string()),  # all keys, if the format reads not all of them
        ("notes", pa.list_(pa.string())),  # what its records are kept without
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
    batches = _batches(lines, LogFormat.named(log_format), LineContext(day, metrics))
    return pa.RecordBatchReader.from_batches(CONVERTED, batches)


def _batches(lines: pa.RecordBatchReader, log_format: LogFormat, context: LineContext) -> Iterator[pa.RecordBatch]:
    with WaitingLines() as waiting:
        for batch in lines:
            for start in range(0, batch.num_rows, CONVERTED_ROWS):
                rows = batch.slice(start, CONVERTED_ROWS).to_pylist()
                if log_format.join_key:
                    rows = waiting.keep(rows, partial(_key, log_format.join_key))
                yield _batch([_convert(row, log_format, context) for row in rows])
        groups = (_convert_group(group, log_format, context) for group in waiting.groups())
        joined = chain.from_iterable(groups)
        while converted := list(islice(joined, CONVERTED_ROWS)):
            yield _batch(converted)


def _batch(converted: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(converted, schema=CONVERTED)


def _key(join_key: JoinKey, row: dict[str, Any]) -> str | None:
    key = _guarded(lambda: join_key(_object(row)))
    return None if isinstance(key, RejectedLineError) else key


def _convert(row: dict[str, Any], log_format: LogFormat, context: LineContext) -> dict[str, Any]:
    try:
        value = _object(row)
    except RejectedLineError as error:
        return _converted(row, error, None)
    return _converted(row, _guarded(lambda: log_format.records(value, context)), log_format.fields_in(value))


def _guarded(read: Callable[[], Value]) -> Value | RejectedLineError:
    """What a reader gives, or its error. A shape that it did not foresee costs its line, not the day."""
    try:
        return read()
    except RejectedLineError as error:
        return error
    except MemoryError:  # Of the machine, not of the line.
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the other lines are fine
        return RejectedLineError("reader_failed", f"{type(error).__name__}: {error}"[:FAILURE_CHARACTERS])


def _convert_group(rows: list[dict[str, Any]], log_format: LogFormat, context: LineContext) -> Iterator[dict[str, Any]]:
    values = [_object(row) for row in rows]
    read = log_format.joined_records
    assert read is not None
    outcomes = _guarded(lambda: read(values, context))
    if isinstance(outcomes, RejectedLineError):
        outcomes = [outcomes] * len(values)
    for row, value, outcome in zip(rows, values, outcomes, strict=True):
        yield _converted(row, outcome, log_format.fields_in(value))


def _converted(row: dict[str, Any], outcome: Outcome, fields: str | None) -> dict[str, Any]:
    """The row of CONVERTED for a line with these records, or with this error."""
    position = {name: row[name] for name in ("source_file", "source_line", "line")} | {"fields": fields}
    if isinstance(outcome, RejectedLineError):
        return {**position, "fault": outcome.fault, "feedback": []}
    if error := _fault_of(outcome):
        return {**position, "fault": error.fault, "feedback": []}
    answers = outcome.answers
    return {
        **position,
        "record": outcome.kind,
        "interaction": answers[0] if len(answers) == 1 else None,
        "answers": answers if len(answers) > 1 else [],
        "feedback": outcome.feedback,
        "notes": outcome.notes or None,
    }


def _object(row: dict[str, Any]) -> Json:
    if row["reason"]:
        raise RejectedLineError(row["reason"], row["detail"] or "")
    value = parse_json(row["line"])
    if not isinstance(value, dict):
        raise RejectedLineError("not_an_object", type(value).__name__)
    return value


def _fault_of(records: Records) -> RejectedLineError | None:
    """Why records cannot be kept: there are none, or a column of texts or whole numbers has another value, for which
    Arrow would refuse its whole batch."""
    if not records.answers and not records.feedback:
        return RejectedLineError("missing_field", "an answer or feedback")
    for rows, columns in ((records.answers, ANSWER_TEXTS), (records.feedback, EVENT_TEXTS)):
        for column in columns:
            if not all(isinstance(row.get(column), str | None) for row in rows):
                return RejectedLineError("wrong_type", column)
    for column in ANSWER_NUMBERS:
        if any(abs(row.get(column) or 0) > MAX_NUMBER for row in records.answers):
            return RejectedLineError("out_of_range", f"{column} is over {MAX_NUMBER}")
    return None
