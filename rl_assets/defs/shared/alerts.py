"""Sensors that report what somebody has to know: failed runs, what successful runs decided, and days that are late."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from rl_assets.core.webhook import post_alert
from rl_assets.defs.shared.failed_runs import WILL_RETRY
from rl_assets.defs.shared.partitions import SENSOR_SECONDS, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.run_messages import day_of_run, run_messages
from rl_assets.tables.interaction_stats import STATS
from rl_assets.tables.records import INGESTED_FILES

# The nightly run starts at 02:00 UTC.
LATE_FROM_HOUR = 6
# The first and the last table that a night makes on CPU.
NIGHTLY = (INGESTED_FILES.name, STATS.name)


@dg.run_failure_sensor(
    minimum_interval_seconds=SENSOR_SECONDS,
    description="Writes why a run failed to the daemon's log, and posts it to the webhook if one is set.",
)
def run_failure(context: dg.RunFailureSensorContext, home: HomeResource) -> None:
    """Reports a failed run once: one that is retried automatically only if its last attempt fails."""
    run = context.dagster_run
    if run.tags.get(WILL_RETRY) == "true":
        return
    messages = run_messages(context.instance, run)
    if not any(" failed: " in message for message in messages):
        messages.append(f"{day_of_run(run)}: {run.job_name} failed: {context.failure_event.message}")
    _report(context, home, messages, run)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    minimum_interval_seconds=SENSOR_SECONDS,
    description="Reports failed checks, skipped trainings, promotions, rejections and rollbacks of successful runs.",
)
def run_results(context: dg.RunStatusSensorContext, home: HomeResource) -> None:
    """Reports what somebody has to know of a run that succeeded: a green run is not always a good one."""
    if messages := run_messages(context.instance, context.dagster_run):
        _report(context, home, messages, context.dagster_run)


@dg.sensor(
    minimum_interval_seconds=SENSOR_SECONDS,
    description=f"Reports the day that ended if it is not materialized by {LATE_FROM_HOUR:02}:00 UTC.",
)
def late_days(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.SkipReason:
    """Reports a late day once. Days count, not runs: rebuilding an old day makes no table up to date."""
    due = str((datetime.now(UTC) - timedelta(days=1, hours=LATE_FROM_HOUR)).date())
    if not days.has_partition_key(due) or context.cursor == due:
        return dg.SkipReason(f"{due} is before the first partition, or was reported")
    made = {name: context.instance.get_materialized_partitions(dg.AssetKey(name)) for name in NIGHTLY}
    late = [name for name, partitions in made.items() if partitions and due not in partitions]
    if not late:
        return dg.SkipReason(f"{due} is materialized, or nothing ever was")
    newest = {name: max(made[name]) for name in late}
    message = f"{due}: late: " + ", ".join(f"the newest day of {name} is {day}" for name, day in newest.items())
    _report(context, home, [message])
    context.update_cursor(due)
    return dg.SkipReason(message)


def _report(
    context: dg.RunStatusSensorContext | dg.SensorEvaluationContext,
    home: HomeResource,
    messages: list[str],
    run: dg.DagsterRun | None = None,
) -> None:
    link = f"{home.ui_url.rstrip('/')}/runs/{run.run_id}" if home.ui_url and run else None
    text = "\n".join([*messages, *([link] if link else [])])
    context.log.error(text)
    if webhook := home.alert_webhook():
        post_alert(webhook, text)
