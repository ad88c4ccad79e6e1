"""The two files of the Dagster instance, and what they must say."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
FILES = ("dagster.yaml", "deploy/dagster-postgres.yaml")
LOCAL_STORAGE = ("storage", "local_artifact_storage", "compute_logs")


def read(name: str) -> dict:
    return yaml.safe_load((REPOSITORY / name).read_text(encoding="utf-8"))


def test_the_file_for_postgres_is_the_other_with_a_storage():
    local, on_postgres = map(read, FILES)
    assert set(on_postgres.pop("storage")) == {"custom"}
    assert on_postgres == {key: value for key, value in local.items() if key not in LOCAL_STORAGE}


@pytest.mark.parametrize("name", FILES)
def test_an_instance_left_alone_for_a_year_heals_and_does_not_grow_without_end(name):
    found = read(name)
    assert found["run_monitoring"]["enabled"] and found["run_monitoring"]["free_slots_after_run_end_seconds"]
    assert found["run_retries"]["enabled"] and not found["run_retries"]["retry_on_asset_or_op_failure"]
    assert found["retention"]["sensor"]["purge_after_days"]["skipped"] <= 7
    assert 1 <= found["concurrency"]["runs"]["max_concurrent_runs"] <= 4
    assert found["telemetry"] == {"enabled": False}


@pytest.mark.slow  # Builds days for seconds.
def test_the_instance_keeps_all_in_one_folder_and_looks_for_processes(tmp_path: Path):
    (tmp_path / "dagster.yaml").write_bytes((REPOSITORY / "dagster.yaml").read_bytes())
    script = (
        "import dagster as dg, json\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    launcher = instance.run_launcher\n"
        "    print(json.dumps([type(launcher).__name__, launcher.supports_check_run_worker_health,\n"
        "        instance.run_retries_enabled, instance.run_retries_max_retries, instance.storage_directory()]))"
    )
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert json.loads(run.stdout) == ["LocalRunLauncher", True, True, 3, str(tmp_path / ".dagster" / "storage")]
    assert (tmp_path / ".dagster" / "history" / "runs.db").is_file()
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {".dagster"}
