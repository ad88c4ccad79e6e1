"""The features of a day's rows, computed once after landing: redacted texts, clusters, flags.

Redacted texts are published first, then clusters, then the features of every answer. The row in `described_days` comes
last: a day without one was interrupted and is computed again.
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
from rl_assets.core.identity import DEFAULT_RULES, PromptRules
from rl_assets.features.benchmarks import Benchmarks, read_benchmarks
from rl_assets.features.clusters import DayClusters, NewPrompts, assign_clusters, comparison, read_clusters
from rl_assets.features.privacy_rules import DEFAULT_PRIVACY, PrivacyRules
from rl_assets.features.redaction import BATCH_ROWS, redactions, register_clean, register_landed
from rl_assets.features.text_flags import boilerplate, languages, refusals
from rl_assets.lake.delta import Lake, Published
from rl_assets.tables.features import DESCRIBED_DAYS, FEATURES, REDACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS


@dataclass(frozen=True)
class DescribedDay:
    """What is known of a day: its answers, its prompts and their clusters."""

    day: date
    interactions: int
    new: NewPrompts
    clusters: DayClusters
    published: dict[str, Published]


def describe_missing(
    lake: Lake,
    days: list[date],
    evaluation: Path | None,
    memory_limit: str = "2GB",
    rules: PromptRules = DEFAULT_RULES,
    privacy: PrivacyRules = DEFAULT_PRIVACY,
) -> list[date]:
    """Compute the features of those of `days`, in order, that are missing or out of date; returns them.

    A day is computed again if its raw tables were published again, or if the benchmark files in `evaluation`
    changed, or how prompts are compared, or how personal data is found.
    """
    benchmarks = read_benchmarks(evaluation)
    columns = ["day", "landed", "benchmarks", "method", "privacy"]
    known = lake.read(DESCRIBED_DAYS, days).to_table(columns=columns).to_pylist()
    done = {tuple(row[name] for name in columns) for row in known}
    settings = (benchmarks.sha256, comparison(rules), privacy.method)
    missing = [day for day in sorted(days) if (day, landed(lake, day), *settings) not in done]
    for day in missing:
        describe_day(lake, day, benchmarks, memory_limit, rules, privacy)
    return missing


def landed(lake: Lake, day: date) -> str:
    """Hash of the names of the files of the day's raw rows: it changes with every publishing."""
    tables = [lake.open(table) for table in (INTERACTIONS, FEEDBACK)]
    wanted = [("day", "=", str(day))]
    names = [Path(uri).name for table in tables if table for uri in table.file_uris(partition_filters=wanted)]
    return sha256_json(sorted(names))


def describe_day(
    lake: Lake,
    day: date,
    benchmarks: Benchmarks,
    memory_limit: str = "2GB",
    rules: PromptRules = DEFAULT_RULES,
    privacy: PrivacyRules = DEFAULT_PRIVACY,
) -> DescribedDay:
    """Compute and publish the features of the day's rows."""
    raw_files = landed(lake, day)
    connection = sql.connect(memory_limit)
    register_landed(connection, lake, [day])
    clean = lake.publish(REDACTIONS, day, redactions(connection, day, rules, privacy))
    register_clean(connection, lake, [day])
    new = assign_clusters(connection, lake, day, rules)
    features = lake.publish(FEATURES, day, _features(connection, benchmarks))
    row = {
        "day": day,
        "landed": raw_files,
        "benchmarks": benchmarks.sha256,
        "method": comparison(rules),
        "privacy": privacy.method,
        "interactions": features.rows,
        "new_prompts": new.new_prompts,
        "new_clusters": new.new_clusters,
    }
    lake.publish(DESCRIBED_DAYS, day, pa.Table.from_pylist([row], schema=DESCRIBED_DAYS.schema).to_reader())
    published = {table.table: table for table in (clean, features)}
    return DescribedDay(day, features.rows, new, read_clusters(connection, lake, rules), published)


def _features(connection: duckdb.DuckDBPyConnection, benchmarks: Benchmarks) -> pa.RecordBatchReader:
    texts = sql.select(connection, "features/answer_texts").to_arrow_reader(BATCH_ROWS)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in texts:
            yield _feature_rows(batch, benchmarks)

    return pa.RecordBatchReader.from_batches(FEATURES.schema, batches())


def _feature_rows(batch: pa.RecordBatch, benchmarks: Benchmarks) -> pa.RecordBatch:
    answers, questions = batch.column("answer"), batch.column("question")
    contaminated = [
        benchmarks.overlap(texts, question)
        for texts, question in zip(batch.column("texts").to_pylist(), questions.to_pylist(), strict=True)
    ]
    computed = {
        "refusal": pc.or_(refusals(answers), batch.column("refused")),
        "boilerplate": boilerplate(answers),
        "contaminated": pa.array(contaminated, pa.bool_()),
        "language": languages(pc.coalesce(answers, questions)),
    }
    columns = [computed[name] if name in computed else batch.column(name) for name in FEATURES.schema.names]
    return pa.record_batch(columns, schema=FEATURES.schema)
