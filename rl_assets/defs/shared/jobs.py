"""Jobs of more than one concept, and the schedule of the nightly run. A job of one concept lies with its assets."""

from collections.abc import Iterator

import dagster as dg

Requests = Iterator[dg.RunRequest | dg.SkipReason]
# A step whose process was killed is tried again where it stopped; what is wrong with the data is not
# (`dg.Failure` without retries). A run whose own process died is for the run retries in dagster.yaml.
AGAIN = dg.RetryPolicy(max_retries=1)

datasets_job = dg.define_asset_job(
    "datasets_job",
    selection=dg.AssetSelection.groups("raw", "datasets"),
    description="From landing files to datasets, on CPU.",
    op_retry_policy=AGAIN,
)
retrain_job = dg.define_asset_job(
    "retrain_job",
    selection=dg.AssetSelection.groups("adapters", "reports"),
    description="From datasets to adapters, report and decision; unchanged datasets train nothing.",
    op_retry_policy=AGAIN,
)
full_job = dg.define_asset_job(
    "full_job",
    selection=dg.AssetSelection.groups("raw", "datasets", "adapters", "reports"),
    description="The whole night, from landing files to the decision.",
    op_retry_policy=AGAIN,
)
# Adapters are named by their inputs, so a night whose datasets have the content of the night before trains nothing.
nightly_retrain = dg.build_schedule_from_partitioned_job(
    full_job,
    name="nightly_retrain",
    hour_of_day=2,
    description="Every night at 02:00 UTC: yesterday's logs to datasets, adapters, report and decision.",
)
