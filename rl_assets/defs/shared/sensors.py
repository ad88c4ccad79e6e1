"""Sensors: what is noticed, and the run it asks for. They are off until switched on."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from rl_assets.core.webhook import post_alert
from rl_assets.datasets.retrain_trigger import growth, is_enough
from rl_assets.defs.shared.jobs import datasets_job, full_job, retrain_job
from rl_assets.defs.shared.partitions import BACKFILL, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.ingest.changes import changed_days, day_fingerprints, looked_at
from rl_assets.ingest.growing import land
from rl_assets.settings import load_settings

SECONDS = load_settings().sensor_seconds
# A tick that asked for years of history at once would take minutes; the others are asked for by the next ones.
MOST_DAYS = 25
SAME = "no log day has changed"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
WILL_RETRY = "dagster/will_retry"
UNFINISHED = [
    status
    for status in dg.DagsterRunStatus
    if status not in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
]
Requests = Iterator[dg.RunRequest | dg.SkipReason]


@dg.sensor(
    job=datasets_job,
    minimum_interval_seconds=SECONDS,
    description="Asks for the days whose log files changed, and lands new lines of growing logs.",
)
def new_log_files(context: dg.SensorEvaluationContext, home: HomeResource) -> Requests:
    """Lands new lines of growing logs, and asks for exactly the days whose files changed.

    The run key is the state of a day's files, so a lost cursor asks for nothing twice.
    """
    landing = home.paths.landing
    if not landing.is_dir():
        yield dg.SkipReason(f"there is no landing folder {landing} yet")
        return
    land(landing, datetime.now(UTC).date())
    now, before = day_fingerprints(landing), json.loads(context.cursor or "{}")
    changed = changed_days(now, before)
    outside = [day for day in changed if not days.has_partition_key(day)]
    known = [day for day in changed if day not in outside]
    if not known:
        yield dg.SkipReason(f"no log day has changed; {len(outside)} lie outside the partitions" if outside else SAME)
    for day in known[:MOST_DAYS]:
        yield dg.RunRequest(run_key=f"{day}-{now.get(day, 'gone')}", partition_key=day)
    # A day of tomorrow, by a clock ahead of ours, is a partition tomorrow.
    context.update_cursor(json.dumps(looked_at(now, before, waiting=[*known[MOST_DAYS:], *outside])))


@dg.sensor(
    job=retrain_job,
    minimum_interval_seconds=SECONDS,
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


@dg.run_failure_sensor(
    request_job=datasets_job,
    minimum_interval_seconds=SECONDS,
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
    minimum_interval_seconds=SECONDS,
    description="Writes every failed run to the daemon's log, and posts it to the webhook where one is set.",
)
def run_failure(context: dg.RunFailureSensorContext) -> None:
    """Writes every failed run to the daemon's log, for whatever watches it, and to the webhook where one is set."""
    run = context.dagster_run
    text = f"{run.job_name} {run.run_id} failed: {context.failure_event.message}"
    context.log.error(text)
    if webhook := load_settings().alert_webhook:
        post_alert(webhook, text)


sensors = [new_log_files, enough_new_feedback, days_failed_together, run_failure]
