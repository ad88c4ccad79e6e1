"""Raw tables: what landed on each log day. Parsing, validating and publishing lines is `rl_assets.ingest`."""

from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field

from rl_assets.defs.shared.days_of_run import days_of_run
from rl_assets.defs.shared.metadata import markdown_table, published_metadata
from rl_assets.defs.shared.partitions import days, one_run
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import DATA_VERSION, Results, materialized, table_spec
from rl_assets.ingest.database import land_feedback
from rl_assets.ingest.day import IngestedDay, ShrunkenDayError, ingest_day
from rl_assets.ingest.landing import SUFFIXES, files_of, skipped_files
from rl_assets.metrics.scales import Metric
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS

READABLE = ", ".join(SUFFIXES)
MAX_NAMED_FILES = 5


class LandedLogsConfig(dg.Config):
    """What may be chosen at launch."""

    allow_shrink: bool = Field(
        False, description="Publish days that lost many or all of their rows too: their files are gone on purpose."
    )


@dg.multi_asset(
    specs=[
        table_spec(INTERACTIONS, "Answers that landed on a log day, one row each, from every log format."),
        table_spec(
            FEEDBACK,
            "Feedback events that landed on a log day: rewards, ratings, thumbs, preferences, corrections.",
        ),
        table_spec(
            REJECTED_RECORDS,
            "Rejected lines, each with its reason and its prefix. No line is dropped silently.",
        ),
        table_spec(INGESTED_FILES, "The counts of every file of a log day: lines = rows + duplicates + rejects."),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "every_line_is_counted",
            asset=INGESTED_FILES.name,
            blocking=True,
            description="Lines read = rows + duplicates + rejects.",
        )
    ],
    partitions_def=days,
    backfill_policy=one_run,
    # So that `+sft_dataset` and the like can be launched; see `_results`.
    can_subset=True,
)
def landed_logs(context: dg.AssetExecutionContext, home: HomeResource, config: LandedLogsConfig) -> Results:
    """Read the files of each log day once and publish their rows, rejects and counts.

    A day whose files are gone keeps its rows, and fails, until `allow_shrink` says that they are meant to go.
    """
    key = home.user_hash_key()
    metrics = {name: Metric(**scale) for name, scale in home.metrics.items()}
    max_shrink = None if config.allow_shrink else home.max_shrink
    ingested = {}
    database = home.feedback_database()
    for day in days_of_run(context):
        if database:
            landed = land_feedback(home.paths.landing, database, date.fromisoformat(day))
            context.log.info(f"{day}: {landed} rows of feedback landed from the database")
        files = files_of(home.paths.landing, date.fromisoformat(day))
        try:
            ingested[day] = ingest_day(
                home.lake, files, date.fromisoformat(day), key, home.duckdb_memory_limit, metrics, max_shrink
            )
        except ShrunkenDayError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        _describe(context, day, ingested[day], skipped_files(home.paths.landing, date.fromisoformat(day)))
    for table in (INTERACTIONS, FEEDBACK, REJECTED_RECORDS, INGESTED_FILES):
        yield from _results(context, table.name, ingested)


def _results(context: dg.AssetExecutionContext, name: str, ingested: dict[str, IngestedDay]) -> Results:
    """The result of a table. All four come from one pass over the files, so those that a run did not select are
    published too, and an event says so."""
    versions = {day: result.published[name].sha256 for day, result in ingested.items()}
    if dg.AssetKey(name) in context.selected_asset_keys:
        yield from materialized(context, name, versions)
    else:
        for day, result in ingested.items():
            tags, metadata = {DATA_VERSION: versions[day]}, published_metadata(result.published[name])
            yield dg.AssetMaterialization(name, partition=day, metadata=metadata, tags=tags)
    if name == INGESTED_FILES.name:
        yield _conserved(ingested)


def _describe(context: dg.AssetExecutionContext, day: str, ingested: IngestedDay, skipped: list[str]) -> None:
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
            "skipped_files": skipped,
        },
    }
    if skipped:
        context.log.warning(f"{day}: only {READABLE} are read; skipped: {', '.join(skipped[:MAX_NAMED_FILES])}")
    for name, published in ingested.published.items():
        metadata = {**published_metadata(published), **details[name]}
        if dg.AssetKey(name) in context.selected_asset_keys:
            context.add_asset_metadata(metadata, asset_key=name, partition_key=day)
    context.log.info(
        f"{day}: {ingested.lines} lines of {ingested.files} files = {ingested.rows} rows "
        f"+ {ingested.duplicates} duplicates + {sum(ingested.rejects.values())} rejects {ingested.rejects or ''}"
    )


def _conserved(ingested: dict[str, IngestedDay]) -> dg.AssetCheckResult:
    missing_by_day = {
        day: missing
        for day, result in ingested.items()
        if (missing := result.lines - result.rows - result.duplicates - sum(result.rejects.values()))
    }
    return dg.AssetCheckResult(
        asset_key=INGESTED_FILES.name,
        check_name="every_line_is_counted",
        passed=not missing_by_day,
        metadata={"lines": sum(result.lines for result in ingested.values()), "missing_by_day": missing_by_day},
    )
