"""Jobs: selections of assets, no logic."""

import warnings

import dagster as dg

# A night of all assets takes the stricter of their policies, a run a day, which is what is wanted.
warnings.filterwarnings("ignore", message="Asset job full_job materializes assets with varying BackfillPolicies")

datasets_job = dg.define_asset_job(
    "datasets_job",
    selection=dg.AssetSelection.groups("raw", "datasets"),
    description="From landing files to datasets, on CPU.",
)
retrain_job = dg.define_asset_job(
    "retrain_job",
    selection=dg.AssetSelection.groups("adapters", "reports"),
    description="From datasets to adapters, report and decision; unchanged datasets train nothing.",
)
full_job = dg.define_asset_job(
    "full_job",
    selection=dg.AssetSelection.groups("raw", "datasets", "adapters", "reports"),
    description="The whole night, from landing files to the decision.",
)
jobs = [datasets_job, retrain_job, full_job]
