"""Jobs of several concepts, and the schedule of the nightly run. A job of one concept lies with its assets."""

from collections.abc import Iterator
from datetime import UTC, timedelta

import dagster as dg

from rl_assets.defs.shared.partitions import days
from rl_assets.settings import load_settings

Requests = Iterator[dg.RunRequest | dg.SkipReason]
# A step whose process was killed is retried and resumes; a fault of the data is not retried (`dg.Failure` without
# retries). A run whose own process died is for the run retries in dagster.yaml.
RETRY_ONCE = dg.RetryPolicy(max_retries=1)

# What costs money or people's time is materialized only if a setting names it.
OPTIONAL = dg.AssetSelection.assets(*load_settings().nightly_optional)

datasets_job = dg.define_asset_job(
    "datasets_job",
    selection=dg.AssetSelection.groups("raw", "datasets") | OPTIONAL,
    description="From landing files to datasets, on CPU.",
    op_retry_policy=RETRY_ONCE,
)
retrain_job = dg.define_asset_job(
    "retrain_job",
    selection=dg.AssetSelection.groups("adapters", "reports"),
    description="From datasets to adapters, report and decision; unchanged datasets train nothing.",
    op_retry_policy=RETRY_ONCE,
)
NIGHTLY = dg.AssetSelection.groups("raw", "datasets", "adapters", "reports") | OPTIONAL
# Shares of traffic are learned every night if there is a router file. The job `serve` puts them in force.
ROUTING = dg.AssetSelection.groups("routing") - dg.AssetSelection.assets("routing_table")
full_job = dg.define_asset_job(
    "full_job",
    selection=NIGHTLY | ROUTING if load_settings().router else NIGHTLY,
    description="The complete nightly run, from landing files to the decision.",
    op_retry_policy=RETRY_ONCE,
)


# Adapters are named by their inputs, so a run whose datasets have not changed since the previous one trains nothing.
@dg.schedule(
    job=full_job,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    description="Every night at 02:00 UTC: the day that ended, from logs to datasets, adapters, report and decision.",
)
def nightly_retrain(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Requests the day that ended before the tick; today's partition exists too, but its logs are not complete.

    A tick that is evaluated late, or in a dry run, is one of its scheduled time, not of the time of its evaluation.
    """
    ended = str(context.scheduled_execution_time.astimezone(UTC).date() - timedelta(days=1))
    if ended < days.start.strftime(days.fmt):
        return dg.SkipReason(f"{ended} lies before the first partition {days.start:{days.fmt}} (RL_ASSETS_START_DATE)")
    return dg.RunRequest(partition_key=ended)
