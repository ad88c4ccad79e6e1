"""Raw tables: what landed on each log day. Reading, judging and publishing lines is `rl_assets.ingest`."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from rl_assets.defs.metadata import column_schema, data_version, markdown_table, published_metadata
from rl_assets.defs.partitions import days, one_run
from rl_assets.defs.resources import HomeResource
from rl_assets.ingest.day import IngestedDay, ingest_day
from rl_assets.ingest.landing import files_of
from rl_assets.ingest.metrics import Metric
from rl_assets.ingest.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS, Table

OWNERS = ["team:data"]


def _spec(table: Table, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        table.name,
        description=description,
        group_name="raw",
        kinds={"duckdb", "deltalake"},
        owners=OWNERS,
        metadata={"dagster/column_schema": column_schema(table)},
    )


@dg.multi_asset(
    specs=[
        _spec(INTERACTIONS, "Answers that landed on a log day, one row each, from every log format."),
        _spec(
            FEEDBACK,
            "Acts of judging an answer that landed on a log day: rewards, ratings, thumbs, preferences, corrections.",
        ),
        _spec(
            REJECTED_RECORDS,
            "Lines that were refused, each with its reason and its beginning. No line is ever lost.",
        ),
        _spec(INGESTED_FILES, "The account of every file of a log day: lines = rows + duplicates + rejects."),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "every_line_is_accounted_for",
            asset=INGESTED_FILES.name,
            blocking=True,
            description="Lines read = rows + duplicates + rejects.",
        )
    ],
    partitions_def=days,
    backfill_policy=one_run,
)
def landed_logs(context: dg.AssetExecutionContext, home: HomeResource) -> Iterator[dg.MaterializeResult]:
    """Read the files of each log day once and publish what their lines became."""
    key = home.user_hash_key()
    metrics = {name: Metric(**said) for name, said in home.metrics.items()}
    ingested = {}
    for day in context.partition_keys:
        files = files_of(home.folder / "landing", date.fromisoformat(day))
        ingested[day] = ingest_day(home.lake, files, date.fromisoformat(day), key, home.duckdb_memory_limit, metrics)
        _describe(context, day, ingested[day])
    for table in (INTERACTIONS, FEEDBACK, REJECTED_RECORDS, INGESTED_FILES):
        versions = [result.published[table.name].sha256 for result in ingested.values()]
        checks = [_conserved(ingested)] if table is INGESTED_FILES else []
        yield dg.MaterializeResult(table.name, data_version=data_version(versions), check_results=checks)


def _describe(context: dg.AssetExecutionContext, day: str, ingested: IngestedDay) -> None:
    details: dict[str, dict[str, Any]] = {
        INTERACTIONS.name: {"events_outside_their_day": ingested.outside_day},
        FEEDBACK.name: {},
        REJECTED_RECORDS.name: {
            "by_reason": markdown_table({"reason": r, "lines": n} for r, n in ingested.rejects.items()),
            "samples": markdown_table(ingested.reject_samples),
        },
        INGESTED_FILES.name: {
            "files": ingested.files,
            "lines": ingested.lines,
            "rejects": sum(ingested.rejects.values()),
        },
    }
    for name, published in ingested.published.items():
        metadata = {**published_metadata(published), **details[name]}
        context.add_asset_metadata(metadata, asset_key=name, partition_key=day)
    context.log.info(
        f"{day}: {ingested.lines} lines of {ingested.files} files = {ingested.rows} rows "
        f"+ {ingested.duplicates} duplicates + {sum(ingested.rejects.values())} rejects {ingested.rejects or ''}"
    )


def _conserved(ingested: dict[str, IngestedDay]) -> dg.AssetCheckResult:
    lost = {
        day: missing
        for day, result in ingested.items()
        if (missing := result.lines - result.rows - result.duplicates - sum(result.rejects.values()))
    }
    return dg.AssetCheckResult(
        asset_key=INGESTED_FILES.name,
        check_name="every_line_is_accounted_for",
        passed=not lost,
        metadata={"lines": sum(result.lines for result in ingested.values()), "lost_by_day": lost},
    )
