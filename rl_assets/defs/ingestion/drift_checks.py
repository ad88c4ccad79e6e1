"""Checks that notice logs whose producers changed: scales, fields and clocks. All of them warn, and stop nothing."""

from typing import Any

import dagster as dg

from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.partitions import day_check
from rl_assets.ingest.day import IngestedDay, few_names
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES

RATINGS_FIT = "ratings_fit_their_scale"
FIELDS_ARE_READ = "fields_are_read"
NO_TIME_IS_AHEAD = "no_time_is_ahead"
DRIFT_CHECKS = [
    day_check(
        RATINGS_FIT,
        FEEDBACK.name,
        "No rating or score is outside its scale (1 to 5 and 0 to 1 unless others are declared), or no number.",
    ),
    day_check(
        FIELDS_ARE_READ,
        INGESTED_FILES.name,
        "No line has a field that its format does not read, and whose name is spelled like one that it lacks.",
    ),
    day_check(
        NO_TIME_IS_AHEAD,
        FEEDBACK.name,
        "No answer or verdict is dated more than a day after its log day: of several verdicts the latest counts.",
    ),
]


def ratings_fit(ingested: IngestedDay) -> dg.AssetCheckResult:
    """Yellow if ratings or scores were rejected, or answers are kept without theirs."""
    off_scale, unread = ingested.ratings_off_scale, ingested.unread_scores
    sentences = [_off_scale(off_scale)] if off_scale else []
    if unread:
        sentences.append(
            f"{sum(row['lines'] for row in unread)} answers or verdicts are kept without a value: {unread[0]['note']}."
        )
    shown = {"ratings_off_scale": sum(row["ratings"] for row in off_scale), "unread_scores": markdown_table(unread)}
    return _warning(RATINGS_FIT, FEEDBACK.name, " ".join(sentences), shown)


def _warning(check: str, table: str, problem: str, shown: dict[str, Any]) -> dg.AssetCheckResult:
    """Yellow with a sentence on the problem; green without one."""
    return dg.AssetCheckResult(
        asset_key=table,
        check_name=check,
        passed=not problem,
        severity=dg.AssetCheckSeverity.WARN,
        description=problem or None,
        metadata=shown,
    )


def _off_scale(fields: list[dict[str, Any]]) -> str:
    dropped = "; ".join(
        f"{row['ratings']} of the field `{row['field']}` are not between {row['scale']} "
        f"(they go from {row['lowest']:g} to {row['highest']:g})"
        for row in fields
    )
    name = f"{fields[0]['log_format']}.{fields[0]['field']}"
    setting = f'RL_ASSETS_METRICS=\'{{"{name}": {{"worst": ..., "best": ...}}}}\''
    return (
        f"Ratings or scores were rejected: {dropped}. The others of the field were read on that scale too. If it is "
        f"another, declare it, {setting}, and materialize the day again."
    )


def fields_are_read(ingested: IngestedDay) -> dg.AssetCheckResult:
    """Yellow if fields are perhaps misspelt; other fields that no format reads are counted in the metadata."""
    misspelt = [row for row in ingested.unread_fields if row["nearest"]]
    shown = {"unread_fields": len(ingested.unread_fields), "misspelt": markdown_table(misspelt)}
    return _warning(FIELDS_ARE_READ, INGESTED_FILES.name, _misspelt(misspelt) if misspelt else "", shown)


def _misspelt(fields: list[dict[str, Any]]) -> str:
    names = few_names(
        f"`{row['field']}` on {row['lines']:,} lines of {row['log_format']} (is it `{row['nearest']}`?)"
        for row in fields
    )
    return f"Fields that are not read: {names}. Rename them where they are written, and land the day's files again."


def no_time_is_ahead(ingested: IngestedDay) -> dg.AssetCheckResult:
    """Yellow if lines are dated after their log day: a clock that is wrong, or a file under the wrong day."""
    ahead = ingested.times_ahead
    shown = {"lines": sum(row["lines"] for row in ahead), "by_file": markdown_table(ahead[:20])}
    return _warning(NO_TIME_IS_AHEAD, FEEDBACK.name, _ahead(ingested) if ahead else "", shown)


def _ahead(ingested: IngestedDay) -> str:
    lines, first = sum(row["lines"] for row in ingested.times_ahead), ingested.times_ahead[0]
    return (
        f"{lines:,} lines are dated more than a day after {ingested.day}, up to "
        f"{max(row['latest'] for row in ingested.times_ahead)}, the first in line {first['first_line']} of "
        f"{first['file']}. A verdict dated ahead outranks all that its rater says later: correct the time, and land "
        "the file again."
    )
