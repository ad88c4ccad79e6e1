"""The sensor that requests a training. Counting what is new is `rl_assets.datasets.retrain_trigger`, and whether it
would train `rl_assets.training.readiness`.
"""

import json
from datetime import UTC, datetime, timedelta

import dagster as dg

from rl_assets.core.files import sha256_json
from rl_assets.datasets.retrain_trigger import Growth, is_enough, measure_growth
from rl_assets.defs.shared.jobs import full_job, retrain_job
from rl_assets.defs.shared.partitions import SENSOR_SECONDS
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.models.counting_tokenizer import NoTokenizerError, counting_tokenizer
from rl_assets.recipes.recipe import Recipe, named_recipe, recipe_hash
from rl_assets.tables.usable_rows import sentence
from rl_assets.training.readiness import NIGHTLY, usable_rows

UNFINISHED = [
    status
    for status in dg.DagsterRunStatus
    if status not in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
]


@dg.sensor(
    job=retrain_job,
    minimum_interval_seconds=SENSOR_SECONDS,
    description="Retrains when enough prompts have usable rows that the last training did not have, and every adapter "
    "of the run has the rows that the recipe asks for.",
)
def enough_new_feedback(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.RunRequest | dg.SkipReason:
    """Retrains when the newest datasets have enough prompts that the last training did not have.

    Never for an adapter that would be skipped: the tick then says which one lacks what. The run key is the day and its
    datasets' content, so the same feedback trains at most once per day; after a failed training its rows still count as
    new on the next day.
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
    if lacking := _lacking(context, home, new, recipe):
        return dg.SkipReason(lacking)
    return dg.RunRequest(run_key=f"{new.day}-{new.content}", partition_key=new.day)


def _lacking(context: dg.SensorEvaluationContext, home: HomeResource, new: Growth, recipe: Recipe) -> str:
    """Why an adapter of the run would be skipped, or nothing. The cursor keeps it as long as its inputs are the same,
    since counting tokens takes seconds.
    """
    inputs = sha256_json([new.day, new.content, recipe_hash(recipe), home.base_model])
    known = json.loads(context.cursor) if context.cursor else {}
    if known.get("inputs") == inputs:
        return str(known["lacking"])
    try:
        tokenizer = counting_tokenizer(home.base_model, home.paths.models, recipe.chat_template)
    except NoTokenizerError as error:
        # Not kept: the network may be back at the next tick.
        return f"rows cannot be counted: {error}"
    usable = usable_rows(home.paths, new.day, recipe, tokenizer, _kinds_of_run(context))
    lacking = "" if all(one.trains for one in usable) else sentence(usable)
    context.update_cursor(json.dumps({"inputs": inputs, "lacking": lacking}))
    return lacking


def _kinds_of_run(context: dg.SensorEvaluationContext) -> list[str]:
    """The product's adapters that the requested run trains."""
    repository = context.repository_def
    assert repository is not None, "a sensor is evaluated in a code location"
    trained = repository.get_job(retrain_job.name).asset_layer.executable_asset_keys
    return [kind for kind in NIGHTLY if dg.AssetKey(f"{kind}_adapter") in set(trained)]


def _training_too_recent(instance: dg.DagsterInstance, since: timedelta) -> str | None:
    for job in (retrain_job.name, full_job.name):
        if instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED), limit=1):
            return f"{job} is running"
        recent = dg.RunsFilter(job_name=job, created_after=datetime.now(UTC) - since)
        if instance.get_runs(recent, limit=1):
            return f"{job} started less than {since} ago"
    return None
