"""The sensor that asks for a training. Counting what is new is `rl_assets.datasets.retrain_trigger`."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from rl_assets.datasets.retrain_trigger import growth, is_enough
from rl_assets.defs.shared.jobs import full_job, retrain_job
from rl_assets.defs.shared.partitions import SENSOR_SECONDS
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import load_settings

UNFINISHED = [
    status
    for status in dg.DagsterRunStatus
    if status not in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
]


@dg.sensor(
    job=retrain_job,
    minimum_interval_seconds=SENSOR_SECONDS,
    description="Retrains when enough prompts have usable rows that the last training had not.",
)
def enough_new_feedback(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.RunRequest | dg.SkipReason:
    """Retrains when the newest datasets hold enough prompts that the last training had not.

    The run key is the day and its datasets' content, so the same feedback trains once a day at most; a failed training
    leaves its rows new for the next day.
    """
    settings = load_settings()
    found = growth(home.paths)
    if found is None:
        return dg.SkipReason("there is no dataset yet")
    least = {kind: getattr(settings, f"retrain_min_{kind}_rows") for kind in found.new_prompts}
    if not is_enough(found, least):
        return dg.SkipReason(f"{found.new_prompts} new prompts as of {found.day}, {least} are needed")
    since = timedelta(hours=settings.retrain_min_hours)
    if waiting := _training_too_recent(context.instance, since):
        return dg.SkipReason(waiting)
    return dg.RunRequest(run_key=f"{found.day}-{found.content}", partition_key=found.day)


def _training_too_recent(instance: dg.DagsterInstance, since: timedelta) -> str | None:
    for job in (retrain_job.name, full_job.name):
        if instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED), limit=1):
            return f"{job} is running"
        recent = dg.RunsFilter(job_name=job, created_after=datetime.now(UTC) - since)
        if instance.get_runs(recent, limit=1):
            return f"{job} started less than {since} ago"
    return None
