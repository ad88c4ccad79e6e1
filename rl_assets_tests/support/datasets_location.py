"""A code location for tests of the daemon: every table and every dataset, and an adapter that takes no time."""

import dagster as dg

from rl_assets.defs.datasets import datasets, ledger_and_stats, rated_interactions
from rl_assets.defs.features import interaction_features
from rl_assets.defs.ingestion import raw_tables
from rl_assets.defs.ingestion.new_log_files import new_log_files
from rl_assets.defs.shared import alerts, failed_runs, jobs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.instance import executors
from rl_assets.settings import load_settings
from rl_assets_tests.support.stand_in import sft_adapter

TABLES_AND_DATASETS = dg.load_assets_from_modules(
    [raw_tables, interaction_features, rated_interactions, datasets, ledger_and_stats]
)
settings = load_settings()
defs = dg.Definitions(
    assets=[*TABLES_AND_DATASETS, sft_adapter],
    jobs=[jobs.datasets_job, jobs.full_job],
    schedules=[jobs.nightly_retrain],
    sensors=[new_log_files, failed_runs.days_failed_together, alerts.run_failure, alerts.late_days],
    resources={"home": HomeResource.from_settings(settings)},
    executor=executors.make_executor(settings),
)
