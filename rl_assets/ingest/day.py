"""One log day, from landing files to canonical tables: parse in bulk, decide the outcome of each line, publish."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial, reduce
from itertools import groupby
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.core.files import sha256_stream
from rl_assets.core.identity import (
    DEFAULT_RULES,
    PromptRules,
    with_answer_key,
    with_content_hash,
    with_hashed,
    with_prompt_keys,
)
from rl_assets.ingest.connection import connect_for_lines
from rl_assets.ingest.conversion import CONVERTED, convert_lines, python_formats
from rl_assets.ingest.landing import LandedFile
from rl_assets.ingest.lines import LINES, read_lines
from rl_assets.ingest.prefetch import prefetch
from rl_assets.ingest.times import EPOCH
from rl_assets.ingest.unread_fields import count_unread, fields_of
from rl_assets.lake.delta import Lake, Published
from rl_assets.lake.table import Table
from rl_assets.lake.tombstones import Erased, without_erased_lines
from rl_assets.metrics.scales import Metrics, metric_macros, metrics_of
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS

BATCH_ROWS = 5_000
TOLERANCE = 1e-9
MAX_NAMED = 5
Step = Callable[[pa.RecordBatch], pa.RecordBatch]


class ShrunkenDayError(ValueError):
    """A day would lose so many rows that files are more likely missing than removed; nothing was published."""


@dataclass(frozen=True)
class IngestedDay:
    """The result of a day. `lines = rows + duplicates + rejects`, for the day as for every file.

    `gone` are the files that the day was read from before and that are no longer there, with the rows that they gave.
    """

    day: date
    files: int
    lines: int
    rows: int
    duplicates: int
    rejects: dict[str, int]
    rejects_by_file: list[dict[str, Any]]
    reject_samples: list[dict[str, Any]]
    outside_day: int
    ratings_off_scale: list[dict[str, Any]]
    unread_scores: list[dict[str, Any]]
    unread_fields: list[dict[str, Any]]
    times_ahead: list[dict[str, Any]]
    gone: dict[str, int]
    published: dict[str, Published]


def ingest_day(
    lake: Lake,
    files: list[LandedFile],
    day: date,
    user_key: bytes,
    memory_limit: str = "2GB",
    metrics: Metrics | None = None,
    max_shrink: float | None = None,
    rules: PromptRules = DEFAULT_RULES,
) -> IngestedDay:
    """Publish the canonical tables of `day` from its files; a day without files is published as empty.

    `ingested_files` is committed last: a day that is missing there was interrupted.
    Before anything is published, raises UnreadableFileError if a file cannot be read, and ShrunkenDayError if the day
    lost the share `max_shrink` of its rows, or more.
    """
    with closing(connect_for_lines(memory_limit)) as connection:
        with ThreadPoolExecutor(1) as executor:
            fingerprints = executor.submit(_fingerprints, files)
            _parse(connection, files, day, metrics or {})
            sql.create_temporary(connection, "outcomes", "ingest/line_outcomes")
            _read_conflicts(connection, files)
            contents = fingerprints.result()
            connection.register("files", contents)
        counts = _counts(connection, len(files), day)
        before = _files_before(lake, day) if max_shrink is not None else []
        gone = _gone(before, contents)
        if max_shrink is not None:
            _check_shrinkage(before, gone, len(files), day, counts["rows"], max_shrink)
        erased = lake.erased()
        published = {
            table.name: lake.publish(table, day, _rows(connection, table, day, steps))
            for table, steps in _tables(erased, user_key, rules)
        }
        if erased:
            counts["reject_samples"] = _published_samples(lake, day, counts["reject_samples"])
        return IngestedDay(day=day, published=published, gone=gone, **counts)


def _files_before(lake: Lake, day: date) -> list[dict[str, Any]]:
    """The files that the published day was read from, by name."""
    published = lake.read(INGESTED_FILES, [day]).to_table(columns=["source_file", "fingerprint", "rows"]).to_pylist()
    return sorted(published, key=lambda file: str(file["source_file"]))


def _gone(before: list[dict[str, Any]], now: pa.Table) -> dict[str, int]:
    """Files of before that are no longer there, not even under another name, with the rows that they gave."""
    names, contents = (set(now.column(part).to_pylist()) for part in ("name", "fingerprint"))
    gone = (file for file in before if file["source_file"] not in names and file["fingerprint"] not in contents)
    return {file["source_file"]: file["rows"] for file in gone}


def _check_shrinkage(
    published: list[dict[str, Any]], gone: dict[str, int], files: int, day: date, rows: int, max_shrink: float
) -> None:
    """Raise ShrunkenDayError if the published day has so many rows that `rows` are too few."""
    before = sum(file["rows"] for file in published)
    if before == 0 or (before - rows) / before < max_shrink - TOLERANCE:
        return
    names = f"; gone: {few_names(gone)}" if gone else ""
    raise ShrunkenDayError(
        f"{day} would shrink from {before:,} rows of {len(published)} files to {rows:,} rows of {files} files"
        f"{names}. The published rows are kept. Restore the files (is their share mounted?); "
        "if the loss is meant, set `allow_shrink: true` for landed_logs in the launchpad."
    )


def few_names(files: Iterable[str]) -> str:
    """The first names of files, and dots if there are more."""
    names = list(files)
    return f"{', '.join(names[:MAX_NAMED])}{', ...' if len(names) > MAX_NAMED else ''}"


def _tables(erased: Erased, user_key: bytes, rules: PromptRules) -> list[tuple[Table, list[Step]]]:
    """The tables in the order of their commits, each with the steps in Python for its rows."""
    hashes: list[Step] = [partial(with_prompt_keys, volatile=rules.volatile), with_answer_key, with_content_hash]
    return [
        (REJECTED_RECORDS, [lambda batch: without_erased_lines(batch, erased, user_key)]),
        # Before feedback, so that feedback on the answer of an erased user is dropped too.
        (INTERACTIONS, [lambda batch: with_hashed(batch, "user_id", user_key), *hashes]),
        (FEEDBACK, [lambda batch: with_hashed(batch, "rater", user_key)]),
        (INGESTED_FILES, []),
    ]


def _fingerprints(files: list[LandedFile]) -> pa.Table:
    return pa.table(
        {
            "name": pa.array([file.name for file in files], pa.string()),
            "fingerprint": pa.array([_fingerprint(file) for file in files], pa.string()),
        }
    )


def _fingerprint(file: LandedFile) -> str:
    with file.path.open("rb") as content:
        return sha256_stream(content)


def _published_samples(lake: Lake, day: date, samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The samples that were published: without lines of erased users."""
    published = lake.read(REJECTED_RECORDS, [day]).to_table(columns=["source_file", "source_line"]).to_pylist()
    positions = {(row["source_file"], row["source_line"]) for row in published}
    return [sample for sample in samples if (sample["file"], sample["line"]) in positions]


def _parse(connection: duckdb.DuckDBPyConnection, files: list[LandedFile], day: date, metrics: Metrics) -> None:
    """Fill the table `parsed`: the records of each line, or why it was rejected."""
    connection.register("format_lines", CONVERTED.empty_table())
    sql.create_temporary(connection, "parsed", "ingest/parsed_lines")
    connection.unregister("format_lines")
    for log_format, group in groupby(sorted(files), key=lambda file: file.format):
        own_metrics = metrics_of(metrics, log_format)
        connection.execute(sql.text("macros/metrics") + metric_macros(own_metrics))
        with read_lines(((file.name, file.path) for file in group), fields_of(log_format)) as lines:
            if log_format in python_formats():
                connection.register("format_lines", convert_lines(lines, log_format, day, own_metrics))
                connection.execute(f"INSERT INTO parsed {sql.text('ingest/parsed_lines')}")
                connection.unregister("format_lines")
            else:
                connection.register("lines", lines)
                connection.execute(f"INSERT INTO parsed {_statement(log_format, day)}")


def parsed_times(file: LandedFile, day: date, metrics: Metrics) -> dict[int, datetime | None]:
    """The time of each line of a file of `day` by its number; None for a line that is rejected."""
    with closing(connect_for_lines()) as connection:
        _parse(connection, [file], day, metrics)
        rows = connection.sql("SELECT source_line, epoch_us(happened_at) FROM parsed").fetchall()
    return {line: None if time is None else EPOCH + timedelta(microseconds=time) for line, time in rows}


def line_faults(
    connection: duckdb.DuckDBPyConnection, lines: list[str], log_format: str, day: date, metrics: Metrics
) -> dict[int, tuple[str, str]]:
    """Reason and detail of the lines that ingestion would reject, by their number from 0.

    `lines` are JSON objects without newlines, of a format that SQL reads; `connection` is one for lines.
    """
    connection.execute(sql.text("macros/metrics") + metric_macros(metrics_of(metrics, log_format)))
    columns = {
        "source_file": ["lines"] * len(lines),
        "source_line": range(len(lines)),
        "line": lines,
        "reason": [None] * len(lines),
        "detail": [None] * len(lines),
        "braces": [line.count("{") for line in lines],
    }
    connection.register("lines", pa.table({name: pa.array(columns[name], LINES.field(name).type) for name in columns}))
    rejected = f"SELECT source_line, reason, detail FROM ({_statement(log_format, day)}) WHERE reason IS NOT NULL"
    return {line: (reason, detail) for line, reason, detail in connection.sql(rejected).fetchall()}


def _statement(log_format: str, day: date) -> str:
    """The complete statement that parses `lines` of a format whose records are a SELECT."""
    records = sql.text(f"formats/{log_format}").replace("$day", f"DATE '{day}'")
    none = "CAST(NULL AS interaction_record[]) AS answers"
    return (
        f"WITH objects AS ({sql.text('ingest/json_objects')}), records AS ({records}), "
        f"format_lines AS (SELECT *, {none} FROM records)\n{sql.text('ingest/parsed_lines')}"
    )


def _read_conflicts(connection: duckdb.DuckDBPyConnection, files: list[LandedFile]) -> None:
    """Fill the table `conflicts`: the first characters of lines with a conflicting id, from a second pass."""
    statement = "SELECT DISTINCT source_file FROM outcomes WHERE reason = 'conflicting_duplicate'"
    names = {name for (name,) in connection.sql(statement).fetchall()}
    with read_lines((file.name, file.path) for file in sorted(files) if file.name in names) as lines:
        connection.register("lines", lines)
        sql.create_temporary(connection, "conflicts", "ingest/conflicting_lines")


def _rows(connection: duckdb.DuckDBPyConnection, table: Table, day: date, steps: list[Step]) -> pa.RecordBatchReader:
    reader = sql.select(connection, f"ingest/{table.name}", day=day).to_arrow_reader(BATCH_ROWS)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in prefetch(reader):
            done = reduce(lambda rows, step: step(rows), steps, batch)
            yield pa.record_batch([done.column(name) for name in table.schema.names], table.schema.names)

    plain = pa.schema([(field.name, field.type) for field in table.schema])
    return pa.RecordBatchReader.from_batches(plain, prefetch(batch.cast(plain) for batch in batches()))


def _listed(connection: duckdb.DuckDBPyConnection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = sql.select(connection, name, **parameters).to_arrow_table().to_pylist()
    return rows


def _counts(connection: duckdb.DuckDBPyConnection, files: int, day: date) -> dict[str, Any]:
    lines = connection.sql("SELECT count(*) FROM parsed").fetchall()[0][0]
    outcomes = dict(connection.sql("SELECT outcome, count(*) FROM outcomes GROUP BY outcome").fetchall())
    rejects = "SELECT reason, count(*) FROM outcomes WHERE outcome = 'reject' GROUP BY reason ORDER BY reason"
    outside = connection.sql("SELECT count(*) FROM parsed WHERE CAST(happened_at AS DATE) <> $day", params={"day": day})
    return {
        "files": files,
        "lines": lines,
        "rows": lines - sum(outcomes.values()),
        "duplicates": outcomes.get("duplicate", 0),
        "rejects": dict(connection.sql(rejects).fetchall()),
        "rejects_by_file": _listed(connection, "ingest/rejects_by_file"),
        "reject_samples": _listed(connection, "ingest/reject_samples"),
        "outside_day": outside.fetchall()[0][0],
        "ratings_off_scale": _listed(connection, "ingest/ratings_off_scale"),
        "unread_scores": _listed(connection, "ingest/unread_scores"),
        "unread_fields": count_unread(_listed(connection, "ingest/unread_fields")),
        "times_ahead": _listed(connection, "ingest/times_ahead", day=day),
    }
