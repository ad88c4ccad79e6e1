"""Raw tables: what landed on each log day. Parsing, validating and publishing lines is `rl_assets.ingest`."""

from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
from pydantic import Field

from rl_assets.defs.ingestion.drift_checks import DRIFT_CHECKS, fields_are_read, no_time_is_ahead, ratings_fit
from rl_assets.defs.shared.days_of_run import days_of_run
from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.partitions import day_check, days, one_run
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, events_of_day, materialized, table_spec
from rl_assets.ingest.database import Database, land_feedback
from rl_assets.ingest.day import IngestedDay, ShrunkenDayError, few_names, ingest_day
from rl_assets.ingest.landing import SUFFIXES, files_of, formats, skipped_files
from rl_assets.metrics.scales import Metric, MisspeltMetricError, check_names
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS

READABLE = ", ".join(SUFFIXES)
MAX_NAMED_FILES = 5
MAX_SHOWN_REJECTS = 20
MAX_SHOWN_FIELDS = 50
# Fewer rejected lines of a file are no error, whatever their share: half of a file may be one line of two.
MIN_REJECTS_OF_ERROR = 3
FEW_REJECTS = "few_lines_are_rejected"
NO_FILE_IS_GONE = "no_file_is_gone"
TABLES = (INTERACTIONS, FEEDBACK, REJECTED_RECORDS, INGESTED_FILES)


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
        day_check(
            "every_line_is_counted", INGESTED_FILES.name, "Lines read = rows + duplicates + rejects.", blocking=True
        ),
        day_check(
            FEW_REJECTS,
            REJECTED_RECORDS.name,
            "No file had many of its lines rejected for one reason: a warning from 2 %, an error from 50 % "
            "(RL_ASSETS_REJECT_WARN_SHARE, RL_ASSETS_REJECT_ERROR_SHARE).",
        ),
        day_check(
            NO_FILE_IS_GONE,
            INGESTED_FILES.name,
            "Every file that the day was read from before is still there, or the launch allowed its loss.",
        ),
        *DRIFT_CHECKS,
    ],
    partitions_def=days,
    backfill_policy=one_run,
    # So that `*sft_dataset` and the like can be launched.
    can_subset=True,
)
def landed_logs(context: dg.AssetExecutionContext, home: HomeResource, config: LandedLogsConfig) -> Results:
    """Read the files of each log day once and publish their rows, rejects and counts.

    A day whose files are gone keeps its rows, and fails, until `allow_shrink` says that they are meant to go.
    """
    key, metrics = home.user_hash_key(), _metrics(home)
    max_shrink = None if config.allow_shrink else home.max_shrink
    all_days = days_of_run(context)
    ingested: dict[str, dict[str, PublishedDay]] = {table.name: {} for table in TABLES}
    database = home.feedback_database()
    if str(datetime.now(UTC).date()) in all_days:
        context.log.info(f"{home.land_service_rows(at_once=True)} rows landed from the feedback service")
    for day in all_days:
        if database:
            _land_feedback(context, home, database, day)
        files = files_of(home.paths.landing, date.fromisoformat(day))
        try:
            result = ingest_day(
                home.lake,
                files,
                date.fromisoformat(day),
                key,
                home.duckdb_memory_limit,
                metrics,
                max_shrink,
                home.prompt_rules,
            )
        except ShrunkenDayError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        few_rejected = _few_rejected(day, result, home.reject_warn_share, home.reject_error_share)
        skipped = skipped_files(home.paths.landing, date.fromisoformat(day))
        shown = _describe(context, day, result, skipped, few_rejected)
        for name, of_table in shown.items():
            ingested[name][day] = of_table
            if len(all_days) > 1 or dg.AssetKey(name) not in context.selected_asset_keys:
                yield from events_of_day(context, name, day, of_table)
    # All four come from one pass over the files, so those that a run did not select are published, and shown, too.
    for name, published in ingested.items():
        if dg.AssetKey(name) in context.selected_asset_keys:
            yield from materialized(context, name, published)


def _land_feedback(context: dg.AssetExecutionContext, home: HomeResource, database: Database, day: str) -> None:
    landed = land_feedback(home.paths.landing, database, date.fromisoformat(day))
    context.log.info(f"{day}: {landed} rows of feedback landed from the database")


def _metrics(home: HomeResource) -> dict[str, Metric]:
    """The declared metrics. Raises Failure, which is not tried again, if one is of a log format that is misspelt."""
    metrics = {name: Metric(**scale) for name, scale in home.metrics.items()}
    try:
        check_names(metrics, formats())
    except MisspeltMetricError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    return metrics


def _describe(
    context: dg.AssetExecutionContext,
    day: str,
    ingested: IngestedDay,
    skipped: list[str],
    few_rejected: dg.AssetCheckResult,
) -> dict[str, PublishedDay]:
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
            "unread_fields": markdown_table(ingested.unread_fields[:MAX_SHOWN_FIELDS]),
        },
    }
    if skipped:
        context.log.warning(f"{day}: only {READABLE} are read; skipped: {', '.join(skipped[:MAX_NAMED_FILES])}")
    context.log.info(
        f"{day}: {ingested.lines} lines of {ingested.files} files = {ingested.rows} rows "
        f"+ {ingested.duplicates} duplicates + {sum(ingested.rejects.values())} rejects {ingested.rejects or ''}"
    )
    checks = {
        INGESTED_FILES.name: [_conserved(day, ingested), _no_file_is_gone(ingested), fields_are_read(ingested)],
        REJECTED_RECORDS.name: [few_rejected],
        FEEDBACK.name: [ratings_fit(ingested), no_time_is_ahead(ingested)],
    }
    return {
        name: PublishedDay.of_table(published, checks.get(name, ()), **details[name])
        for name, published in ingested.published.items()
    }


def _few_rejected(day: str, ingested: IngestedDay, warn: float, error: float) -> dg.AssetCheckResult:
    """By file and reason, the largest share of a file's lines first; an error does not stop the run."""
    rejects = ingested.rejects_by_file
    many = [row for row in rejects if row["share"] >= warn]
    severe = [row for row in many if row["share"] >= error and row["rejects"] >= MIN_REJECTS_OF_ERROR]
    return dg.AssetCheckResult(
        asset_key=REJECTED_RECORDS.name,
        check_name=FEW_REJECTS,
        passed=not many,
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        description=_describe_rejects([*severe, *many][0]) if many else None,
        metadata={
            "largest_share": rejects[0]["share"] if rejects else 0.0,
            "warn_from": warn,
            "error_from": error,
            "by_file_and_reason": markdown_table(
                {**row, "share": f"{row['share']:.1%}"} for row in many[:MAX_SHOWN_REJECTS]
            ),
        },
    )


def _describe_rejects(row: dict[str, Any]) -> str:
    most_often = "most often " if row["details"] > 1 else ""
    detail = f": {most_often}{row['detail']}" if row["detail"] else ""
    return (
        f"{row['rejects']} of {row['lines']} lines of {row['file']} ({row['share']:.0%}) were rejected as "
        f"{row['reason']}{detail}"
    )


def _conserved(day: str, ingested: IngestedDay) -> dg.AssetCheckResult:
    counted = ingested.rows + ingested.duplicates + sum(ingested.rejects.values())
    return dg.AssetCheckResult(
        asset_key=INGESTED_FILES.name,
        check_name="every_line_is_counted",
        passed=ingested.lines == counted,
        metadata={"day": day, "lines": ingested.lines, "lost": ingested.lines - counted},
    )


def _no_file_is_gone(ingested: IngestedDay) -> dg.AssetCheckResult:
    """Yellow if the day was read without files that it was read from before; of a larger loss the day itself fails."""
    lost = sum(ingested.gone.values())
    return dg.AssetCheckResult(
        asset_key=INGESTED_FILES.name,
        check_name=NO_FILE_IS_GONE,
        passed=not ingested.gone,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(ingested.gone)} files that were read before are gone, and with them {lost:,} rows: "
        f"{few_names(ingested.gone)}. Restore them and materialize the day again, unless they were meant to go."
        if ingested.gone
        else None,
        metadata={"files": len(ingested.gone), "rows": lost},
    )
