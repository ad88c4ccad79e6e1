"""Jobs: selections of assets, no logic."""

import dagster as dg

# A step whose process was killed is tried again where it stopped; what is wrong with the data says so by itself
# (`dg.Failure` without retries). Runs that died whole are for the run retries in dagster.yaml.
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
jobs = [datasets_job, retrain_job, full_job]
