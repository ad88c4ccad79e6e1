"""What is known of a day's rows once they have landed, found once: clean texts, clusters, flags.

Clean texts are published first, then clusters, then the features of every answer; the account of the day comes last,
so a day without one was interrupted and is described again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.core import sql
from rl_assets.core.files import sha256_json
from rl_assets.features.benchmarks import Benchmarks, read_benchmarks
from rl_assets.features.clusters import place_prompts
from rl_assets.features.redaction import BATCH_ROWS, redactions, register_clean, register_landed
from rl_assets.features.wording import boilerplate, languages, refusals
from rl_assets.lake.delta import Lake, Published
from rl_assets.tables.features import DESCRIBED_DAYS, FEATURES, REDACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS


@dataclass(frozen=True)
class DescribedDay:
    """What was found on a day: answers, prompts that are new, clusters that these founded."""

    day: date
    interactions: int
    new_prompts: int
    new_clusters: int
    published: dict[str, Published]


def describe_missing(lake: Lake, days: list[date], evaluation: Path | None, memory_limit: str = "2GB") -> list[date]:
    """Describe those of `days`, in their order, that were not described as they stand now; their list.

    A day is described again when its raw tables were published again, or when the files of `evaluation` changed.
    """
    benchmarks = read_benchmarks(evaluation)
    known = lake.read(DESCRIBED_DAYS, days).to_table(columns=["day", "landed", "benchmarks"]).to_pylist()
    done = {(row["day"], row["landed"], row["benchmarks"]) for row in known}
    missing = [day for day in sorted(days) if (day, landed(lake, day), benchmarks.sha256) not in done]
    for day in missing:
        describe_day(lake, day, benchmarks, memory_limit)
    return missing


def landed(lake: Lake, day: date) -> str:
    """Names of the files that hold the day's raw rows, as one hash: another one after every publishing."""
    tables = [lake.open(table) for table in (INTERACTIONS, FEEDBACK)]
    wanted = [("day", "=", str(day))]
    names = [Path(uri).name for table in tables if table for uri in table.file_uris(partition_filters=wanted)]
    return sha256_json(sorted(names))


def describe_day(lake: Lake, day: date, benchmarks: Benchmarks, memory_limit: str = "2GB") -> DescribedDay:
    """Find and publish what is known of the day's rows."""
    looked_at = landed(lake, day)
    connection = sql.connect(memory_limit)
    register_landed(connection, lake, [day])
    clean = lake.publish(REDACTIONS, day, redactions(connection, day))
    register_clean(connection, lake, [day])
    placed = place_prompts(connection, lake, day)
    features = lake.publish(FEATURES, day, _features(connection, benchmarks))
    account = {
        "day": day,
        "landed": looked_at,
        "benchmarks": benchmarks.sha256,
        "interactions": features.rows,
        "new_prompts": placed.new_prompts,
        "new_clusters": placed.new_clusters,
    }
    lake.publish(DESCRIBED_DAYS, day, pa.Table.from_pylist([account], schema=DESCRIBED_DAYS.schema).to_reader())
    published = {table.table: table for table in (clean, features)}
    return DescribedDay(day, features.rows, placed.new_prompts, placed.new_clusters, published)


def _features(connection: duckdb.DuckDBPyConnection, benchmarks: Benchmarks) -> pa.RecordBatchReader:
    texts = sql.select(connection, "features/answer_texts").to_arrow_reader(BATCH_ROWS)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in texts:
            yield _described(batch, benchmarks)

    return pa.RecordBatchReader.from_batches(FEATURES.schema, batches())


def _described(batch: pa.RecordBatch, benchmarks: Benchmarks) -> pa.RecordBatch:
    answers, questions = batch.column("answer"), batch.column("question")
    contaminated = [
        benchmarks.overlap(texts, question)
        for texts, question in zip(batch.column("texts").to_pylist(), questions.to_pylist(), strict=True)
    ]
    found = {
        "refusal": refusals(answers),
        "boilerplate": boilerplate(answers),
        "contaminated": pa.array(contaminated, pa.bool_()),
        "language": languages(pc.coalesce(answers, questions)),
    }
    columns = [found[name] if name in found else batch.column(name) for name in FEATURES.schema.names]
    return pa.record_batch(columns, schema=FEATURES.schema)
