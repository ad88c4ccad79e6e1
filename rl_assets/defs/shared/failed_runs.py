"""The sensor that runs the days of a failed run of several days again, one by one. Reporting it is `alerts`.

Retries of a run whose process died are Dagster's, set in `dagster.yaml`.
"""

import dagster as dg

from rl_assets.defs.shared.jobs import Requests, datasets_job
from rl_assets.defs.shared.partitions import BACKFILL, SENSOR_SECONDS, days

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
WILL_RETRY = "dagster/will_retry"


@dg.run_failure_sensor(
    request_job=datasets_job,
    minimum_interval_seconds=SENSOR_SECONDS,
    description="Runs the days of a failed run of several days again one by one, so that a bad day fails alone.",
)
def days_failed_together(context: dg.RunFailureSensorContext) -> Requests:
    """Runs each day of a failed run of several days alone, so that a bad day fails alone.

    A run whose process died is left to the run retries, which resume the complete run.
    """
    run = context.dagster_run
    first, last = run.tags.get(RANGE_START), run.tags.get(RANGE_END)
    if first is None or last is None or first == last or not days.has_partition_key(first):
        yield dg.SkipReason(f"run {run.run_id} was not of several days")
        return
    if run.tags.get(WILL_RETRY) == "true":
        yield dg.SkipReason(f"run {run.run_id} is retried as one")
        return
    if others := _outside(datasets_job.name, run, context.repository_def):
        yield dg.SkipReason(f"run {run.run_id} also materialized {', '.join(others)}: run its days again by hand")
        return
    # A backfill counts the runs that carry its tag, so it sees that its days were materialized after all.
    tags = {BACKFILL: run.tags[BACKFILL]} if BACKFILL in run.tags else {}
    assets = sorted(run.asset_selection) if run.asset_selection else None
    for day in days.get_partition_keys_in_range(dg.PartitionKeyRange(first, last)):
        yield dg.RunRequest(run_key=f"{run.run_id}-{day}", partition_key=day, asset_selection=assets, tags=tags)


def _outside(job: str, run: dg.DagsterRun, repository: dg.RepositoryDefinition | None) -> list[str]:
    """Assets of the run that are not in the job, the only one that the sensor may request."""
    if repository is None or not run.asset_selection:
        return []
    selected = repository.get_job(job).asset_layer.executable_asset_keys
    return sorted(key.to_user_string() for key in run.asset_selection if key not in set(selected))
