"""The sensor that requests a training. Counting what is new is `rl_assets.datasets.retrain_trigger`."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from rl_assets.datasets.retrain_trigger import is_enough, measure_growth
from rl_assets.defs.shared.jobs import full_job, retrain_job
from rl_assets.defs.shared.partitions import SENSOR_SECONDS
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.recipes.recipe import named_recipe

UNFINISHED = [
    status
    for status in dg.DagsterRunStatus
    if status not in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
]


@dg.sensor(
    job=retrain_job,
    minimum_interval_seconds=SENSOR_SECONDS,
    description="Retrains when enough prompts have usable rows that the last training did not have.",
)
def enough_new_feedback(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.RunRequest | dg.SkipReason:
    """Retrains when the newest datasets have enough prompts that the last training did not have.

    The run key is the day and its datasets' content, so the same feedback trains at most once per day; after a
    failed training its rows still count as new on the next day.
    """
    recipe = named_recipe(home.recipe)
    new = measure_growth(home.paths, recipe)
    if new is None:
        return dg.SkipReason("there is no dataset yet")
    minimum = {kind: home.retrain_min_rows[kind] for kind in new.new_prompts}
    if not is_enough(new, minimum):
        return dg.SkipReason(f"{new.new_prompts} new prompts ({recipe.name}) as of {new.day}, {minimum} are needed")
    since = timedelta(hours=home.retrain_min_hours)
    if waiting := _training_too_recent(context.instance, since):
        return dg.SkipReason(waiting)
    return dg.RunRequest(run_key=f"{new.day}-{new.content}", partition_key=new.day)


def _training_too_recent(instance: dg.DagsterInstance, since: timedelta) -> str | None:
    for job in (retrain_job.name, full_job.name):
        if instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED), limit=1):
            return f"{job} is running"
        recent = dg.RunsFilter(job_name=job, created_after=datetime.now(UTC) - since)
        if instance.get_runs(recent, limit=1):
            return f"{job} started less than {since} ago"
    return None
