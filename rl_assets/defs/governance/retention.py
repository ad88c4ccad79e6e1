"""Retention by schedule. Which days expire, and when their files go, is decided in `rl_assets.governance.retention`."""

from datetime import UTC, datetime

import dagster as dg

from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.governance.retention import (
    GRACE_HOURS,
    describe_rule,
    expired_days,
    first_kept_day,
    reference_day,
    remove_expired,
)


class RetentionConfig(dg.Config):
    """Started by hand the job only shows what would be removed; the schedule sets `dry_run` to false."""

    dry_run: bool = True
    grace_hours: int = GRACE_HOURS


@dg.op
def remove_expired_days(context: dg.OpExecutionContext, home: HomeResource, config: RetentionConfig) -> None:
    """Remove days of records that no window needs any more."""
    today = reference_day(home.lake, datetime.now(UTC).date())
    first = first_kept_day(today, home.window_days, home.retention_days)
    days = expired_days(home.lake, first)
    rule = describe_rule(home.window_days, home.retention_days, first)
    context.log.info(f"{rule}: {sum(map(len, days.values()))} days of {len(days)} tables")
    shown = {
        "rule": rule,
        "days": markdown_table(
            {"table": name, "days": len(expired), "from": expired[0], "to": expired[-1]}
            for name, expired in days.items()
        ),
    }
    if config.dry_run:
        context.add_output_metadata({**shown, "removed": False})
        return
    removed = remove_expired(home.lake, days, config.grace_hours)
    context.log.info(f"{removed.rows} rows removed, {removed.files} files deleted")
    context.add_output_metadata({**shown, "removed": True, "rows": removed.rows, "files": removed.files})


@dg.job(
    description="Removes days of records older than the window and the retention from the lake; datasets, adapters and "
    "landing files stay. Started by hand it shows what would be removed: set dry_run to false to remove it."
)
def retention() -> None:
    remove_expired_days()


nightly_retention = dg.ScheduleDefinition(
    name="retention",
    job=retention,
    cron_schedule="0 5 * * *",
    run_config=dg.RunConfig(ops={"remove_expired_days": RetentionConfig(dry_run=False)}),
    description="Every day at 05:00 UTC: removes days that no window needs any more from the lake.",
)
