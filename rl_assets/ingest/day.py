"""One log day, from landing files to canonical tables: parse in bulk, decide the fate of each line, publish."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import reduce
from itertools import groupby

import duckdb
import pyarrow as pa

from rl_assets import sql
from rl_assets.files import sha256_file
from rl_assets.ingest.identity import with_hashed, with_prompt_keys
from rl_assets.ingest.landing import LandedFile, formats
from rl_assets.ingest.lines import read_lines
from rl_assets.ingest.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS, Table
from rl_assets.lake import Lake, Published

BATCH_ROWS = 20_000
Step = Callable[[pa.RecordBatch], pa.RecordBatch]


@dataclass(frozen=True)
class IngestedDay:
    """What a day's files became. `lines = rows + duplicates + rejects`, for the day as for every file."""

    day: date
    files: int
    lines: int
    rows: int
    duplicates: int
    rejects: dict[str, int]
    outside_day: int
    published: dict[str, Published]


def ingest_day(
    lake: Lake, files: list[LandedFile], day: date, user_key: bytes, memory_limit: str = "2GB"
) -> IngestedDay:
    """Publish the canonical tables of `day` from its files; a day without files is published as empty.

    `ingested_files` is committed last, so a day that it does not account for was interrupted.
    Raises UnreadableFileError before anything is published where a file cannot be read.
    """
    connection = sql.connect(memory_limit)
    _parse(connection, files, day)
    connection.execute(f"CREATE TEMP TABLE fates AS {sql.text('line_fates')}")
    fingerprints = {file.name: sha256_file(file.path) for file in files}
    connection.register(
        "files",
        pa.table(
            {
                "name": pa.array(fingerprints, pa.string()),
                "fingerprint": pa.array(fingerprints.values(), pa.string()),
            }
        ),
    )
    steps: list[tuple[Table, list[Step]]] = [
        (REJECTED_RECORDS, []),
        (FEEDBACK, [lambda batch: with_hashed(batch, "rater", user_key)]),
        (INTERACTIONS, [lambda batch: with_hashed(batch, "user_id", user_key), with_prompt_keys]),
        (INGESTED_FILES, []),
    ]
    published = {table.name: lake.publish(table, day, _rows(connection, table, day, then)) for table, then in steps}
    return IngestedDay(day=day, published=published, **_account(connection, len(files), day))


def _parse(connection: duckdb.DuckDBPyConnection, files: list[LandedFile], day: date) -> None:
    """Fill the table `parsed`: what each line says, or why it was refused."""
    _read(connection, "CREATE TEMP TABLE parsed AS", formats()[0], [], day)
    for log_format, group in groupby(sorted(files), key=lambda file: file.format):
        _read(connection, "INSERT INTO parsed", log_format, list(group), day)


def _read(
    connection: duckdb.DuckDBPyConnection, into: str, log_format: str, files: list[LandedFile], day: date
) -> None:
    statement = sql.text(f"format_{log_format}").replace("$day", f"DATE '{day}'")
    with read_lines((file.name, file.path) for file in files) as lines:
        connection.register("lines", lines)
        connection.execute(f"{into} WITH format_lines AS ({statement})\n{sql.text('parsed_lines')}")


def _rows(connection: duckdb.DuckDBPyConnection, table: Table, day: date, then: list[Step]) -> pa.RecordBatchReader:
    reader = sql.select(connection, table.name, day=day).to_arrow_reader(BATCH_ROWS)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            done = reduce(lambda rows, step: step(rows), then, batch)
            yield pa.record_batch([done.column(name) for name in table.schema.names], table.schema.names)

    first = pa.schema([(field.name, field.type) for field in table.schema])
    return pa.RecordBatchReader.from_batches(first, (batch.cast(first) for batch in batches()))


def _account(connection: duckdb.DuckDBPyConnection, files: int, day: date) -> dict:
    lines, rows, duplicates = connection.sql(
        "SELECT count(*), count(*) FILTER (fate = 'row'), count(*) FILTER (fate = 'duplicate') FROM fates"
    ).fetchall()[0]
    reasons = connection.sql("SELECT reason, count(*) FROM fates WHERE fate = 'reject' GROUP BY reason ORDER BY reason")
    outside = connection.sql("SELECT count(*) FROM parsed WHERE CAST(happened_at AS DATE) <> $day", params={"day": day})
    return {
        "files": files,
        "lines": lines,
        "rows": rows,
        "duplicates": duplicates,
        "rejects": dict(reasons.fetchall()),
        "outside_day": outside.fetchall()[0][0],
    }
