"""Schedules: when a job runs by the clock."""

import dagster as dg

from rl_assets.defs.shared.jobs import full_job

# Adapters are named by their inputs, so a night whose datasets have the content of the night before trains nothing.
nightly_retrain = dg.build_schedule_from_partitioned_job(
    full_job,
    name="nightly_retrain",
    hour_of_day=2,
    description="Every night at 02:00 UTC: yesterday's logs to datasets, adapters, report and decision.",
)
schedules = [nightly_retrain]
