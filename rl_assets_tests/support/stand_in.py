"""A code location for tests of the daemon: the project's tables, one dataset, its jobs, schedules and sensors.

In place of training it makes an adapter in no time, or in the seconds that the home's file `training_seconds` says.
Where the home holds a file `training_fails`, the training fails.
"""

import time
from pathlib import Path

import dagster as dg

from rl_assets.defs.datasets import datasets, rated_interactions
from rl_assets.defs.features import interaction_features
from rl_assets.defs.ingestion import raw_tables
from rl_assets.defs.ingestion.new_log_files import new_log_files
from rl_assets.defs.shared import alerts, failed_runs, jobs
from rl_assets.defs.shared.partitions import days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.enough_new_feedback import enough_new_feedback
from rl_assets.instance import executors
from rl_assets.models.adapters import WEIGHTS, publish
from rl_assets.settings import Settings, load_settings
from rl_assets.tables.dataset_manifest import require_manifest
from rl_assets_tests.support.adapter_samples import sample_manifest


@dg.asset(partitions_def=days, deps=[datasets.sft_dataset], group_name="adapters", pool="gpu")
def sft_adapter(context: dg.AssetExecutionContext, home: HomeResource) -> None:
    """An adapter folder whose weights are the hash of what it would be trained on."""
    if (home.paths.folder / "training_fails").exists():
        raise dg.Failure("the training was told to fail", allow_retries=False)
    _train_for(context, home)
    dataset = require_manifest(home.paths.datasets("sft_dataset", context.partition_key))
    folder = home.paths.adapters() / "sft" / dataset.sha256[:20]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_text(dataset.sha256, encoding="utf-8")
    used = dataset.model_dump(include={"name", "day", "sha256"}) | {"used": 1, "dropped": {}, "cut": 0}
    publish(folder, sample_manifest(day=context.partition_key, dataset=used))


def _train_for(context: dg.AssetExecutionContext, home: HomeResource) -> None:
    """Log a line a second, as training does, for as long as the home says."""
    file = home.paths.folder / "training_seconds"
    for second in range(int(file.read_text(encoding="utf-8")) if file.exists() else 0):
        context.log.info(f"second {second}")
        time.sleep(1)


def build(home: HomeResource, executor: dg.ExecutorDefinition) -> dg.Definitions:
    """What the location holds."""
    tables = dg.load_assets_from_modules([raw_tables, interaction_features, rated_interactions])
    return dg.Definitions(
        assets=[*tables, datasets.sft_dataset, sft_adapter],
        jobs=[jobs.datasets_job, jobs.retrain_job, jobs.full_job],
        schedules=[jobs.nightly_retrain],
        sensors=[new_log_files, enough_new_feedback, failed_runs.days_failed_together, alerts.run_failure],
        resources={"home": home},
        executor=executor,
    )


def make_dataset(
    folder: Path,
    day: str,
    last: str | None = None,
    instance: dg.DagsterInstance | None = None,
    tags: dict[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run the location's `datasets_job` here, for a day or for a range of days in one run."""
    defs = build(HomeResource.from_settings(Settings(home=folder)), dg.in_process_executor)
    return defs.resolve_job_def("datasets_job").execute_in_process(
        partition_key=day if last is None else None,
        tags={**(tags or {}), **({failed_runs.RANGE_START: day, failed_runs.RANGE_END: last} if last else {})},
        raise_on_error=False,
        instance=instance,
    )


settings = load_settings()
defs = build(HomeResource.from_settings(settings), executors.make_executor(settings))
