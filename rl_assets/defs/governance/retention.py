"""Retention by schedule. What leaves, and when its bytes go, is `rl_assets.governance.retention`."""

from datetime import UTC, datetime

import dagster as dg

from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.governance.retention import GRACE_HOURS, counted_from, expired, first_kept, remove_expired, sentence


class RetentionConfig(dg.Config):
    """Started by hand the job only shows what would go; the schedule sets `dry_run` to false."""

    dry_run: bool = True
    grace_hours: int = GRACE_HOURS


@dg.op
def remove_expired_days(context: dg.OpExecutionContext, home: HomeResource, config: RetentionConfig) -> None:
    """Remove raw and canonical days that no window needs any more."""
    first = first_kept(counted_from(home.lake, datetime.now(UTC).date()), home.window_days, home.retention_days)
    days = expired(home.lake, first)
    rule = sentence(home.window_days, home.retention_days, first)
    context.log.info(f"{rule}: {sum(map(len, days.values()))} days of {len(days)} tables")
    shown = {
        "rule": rule,
        "days": markdown_table(
            {"table": name, "days": len(gone), "from": gone[0], "to": gone[-1]} for name, gone in days.items()
        ),
    }
    if config.dry_run:
        context.add_output_metadata({**shown, "removed": False})
        return
    removed = remove_expired(home.lake, days, config.grace_hours)
    context.log.info(f"{removed.rows} rows removed, {removed.files} files deleted")
    context.add_output_metadata({**shown, "removed": True, "rows": removed.rows, "files": removed.files})


@dg.job(
    description="Raw and canonical days older than the window and the retention leave the lake; datasets, adapters and "
    "landing files stay. Started by hand it shows what would go: set dry_run to false to remove it."
)
def retention() -> None:
    remove_expired_days()


nightly_retention = dg.ScheduleDefinition(
    name="retention",
    job=retention,
    cron_schedule="0 5 * * *",
    run_config=dg.RunConfig(ops={"remove_expired_days": RetentionConfig(dry_run=False)}),
    description="Every day at 05:00 UTC: days that no window needs any more leave the lake.",
)
