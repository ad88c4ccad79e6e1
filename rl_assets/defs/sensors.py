"""Sensors: what is noticed, and the run it asks for. They are off until switched on."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from rl_assets.defs.jobs import datasets_job, full_job, retrain_job
from rl_assets.defs.partitions import days
from rl_assets.defs.resources import HomeResource
from rl_assets.ingest.changes import changed_days, day_fingerprints
from rl_assets.ingest.growing import land
from rl_assets.settings import load_settings
from rl_assets.training.growth import growth, is_enough

UNFINISHED = [
    status
    for status in dg.DagsterRunStatus
    if status not in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
]


@dg.sensor(job=datasets_job, minimum_interval_seconds=60)
def new_log_files(context: dg.SensorEvaluationContext, home: HomeResource) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Lands new lines of growing logs, and asks for exactly the days whose files changed.

    The run key is the state of a day's files, so a lost cursor asks for nothing twice.
    """
    landing = home.folder / "landing"
    if not landing.is_dir():
        yield dg.SkipReason(f"there is no landing folder {landing} yet")
        return
    land(landing, datetime.now(UTC).date())
    now = day_fingerprints(landing)
    changed = changed_days(now, json.loads(context.cursor or "{}"))
    known = [day for day in changed if days.has_partition_key(day)]
    if not known:
        outside = f"; {len(changed)} changed days lie outside the partitions" if changed else ""
        yield dg.SkipReason(f"no log day has changed{outside}")
    for day in known:
        yield dg.RunRequest(run_key=f"{day}-{now.get(day, 'gone')}", partition_key=day)
    context.update_cursor(json.dumps(now))


@dg.sensor(job=retrain_job, minimum_interval_seconds=300)
def enough_new_feedback(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.RunRequest | dg.SkipReason:
    """Retrains when the newest datasets hold enough prompts that the last training had not.

    The run key is the datasets' content, so the same feedback trains once; a failed training leaves its rows new.
    """
    settings = load_settings()
    found = growth(home.folder)
    if found is None:
        return dg.SkipReason("there is no dataset yet")
    least = {kind: getattr(settings, f"retrain_min_{kind}_rows") for kind in found.new_prompts}
    if not is_enough(found, least):
        return dg.SkipReason(f"{found.new_prompts} new prompts as of {found.day}, {least} are needed")
    since = timedelta(hours=settings.retrain_min_hours)
    if waiting := _training_too_recent(context.instance, since):
        return dg.SkipReason(waiting)
    return dg.RunRequest(run_key=found.content, partition_key=found.day)


def _training_too_recent(instance: dg.DagsterInstance, since: timedelta) -> str | None:
    for job in (retrain_job.name, full_job.name):
        if instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED), limit=1):
            return f"{job} is running"
        recent = dg.RunsFilter(job_name=job, created_after=datetime.now(UTC) - since)
        if instance.get_runs(recent, limit=1):
            return f"{job} started less than {since} ago"
    return None


@dg.run_failure_sensor
def run_failure(context: dg.RunFailureSensorContext) -> None:
    """Writes every failed run to the daemon's log, for whatever watches it."""
    context.log.error(
        f"{context.dagster_run.job_name} {context.dagster_run.run_id} failed: {context.failure_event.message}"
    )


sensors = [new_log_files, enough_new_feedback, run_failure]
