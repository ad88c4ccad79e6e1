"""Sensors of runs that failed: days that failed together are run again one by one, and every failure is reported."""

import dagster as dg

from rl_assets.core.webhook import post_alert
from rl_assets.defs.shared.jobs import Requests, datasets_job
from rl_assets.defs.shared.partitions import BACKFILL, SENSOR_SECONDS, days
from rl_assets.defs.shared.resources import HomeResource

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
WILL_RETRY = "dagster/will_retry"


@dg.run_failure_sensor(
    request_job=datasets_job,
    minimum_interval_seconds=SENSOR_SECONDS,
    description="Runs the days of a failed run of several days again one by one, so that a bad day fails alone.",
)
def days_failed_together(context: dg.RunFailureSensorContext) -> Requests:
    """Runs each day of a failed run of several days again on its own, so that a bad day fails alone.

    A run whose process died is left to the run retries, which take it up whole.
    """
    run = context.dagster_run
    first, last = run.tags.get(RANGE_START), run.tags.get(RANGE_END)
    if first is None or last is None or first == last or not days.has_partition_key(first):
        yield dg.SkipReason(f"run {run.run_id} was not of several days")
        return
    if run.tags.get(WILL_RETRY) == "true":
        yield dg.SkipReason(f"run {run.run_id} is retried whole")
        return
    if others := _not_of(datasets_job.name, run, context.repository_def):
        yield dg.SkipReason(f"run {run.run_id} made {', '.join(others)}: run its days again by hand")
        return
    # A backfill counts the runs that carry its tag, so it sees that its days were made after all.
    tags = {BACKFILL: run.tags[BACKFILL]} if BACKFILL in run.tags else {}
    assets = sorted(run.asset_selection) if run.asset_selection else None
    for day in days.get_partition_keys_in_range(dg.PartitionKeyRange(first, last)):
        yield dg.RunRequest(run_key=f"{run.run_id}-{day}", partition_key=day, asset_selection=assets, tags=tags)


def _not_of(job: str, run: dg.DagsterRun, repository: dg.RepositoryDefinition | None) -> list[str]:
    """Assets of the run that the job, which the sensor may ask for, does not hold."""
    if repository is None or not run.asset_selection:
        return []
    held = repository.get_job(job).asset_layer.executable_asset_keys
    return sorted(key.to_user_string() for key in run.asset_selection if key not in set(held))


@dg.run_failure_sensor(
    minimum_interval_seconds=SENSOR_SECONDS,
    description="Writes every failed run to the daemon's log, and posts it to the webhook where one is set.",
)
def run_failure(context: dg.RunFailureSensorContext, home: HomeResource) -> None:
    """Writes every failed run to the daemon's log, for whatever watches it, and to the webhook where one is set."""
    run = context.dagster_run
    text = f"{run.job_name} {run.run_id} failed: {context.failure_event.message}"
    context.log.error(text)
    if webhook := home.alert_webhook():
        post_alert(webhook, text)
