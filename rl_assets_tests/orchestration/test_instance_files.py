"""The two files of the Dagster instance, and what they must say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"


def read(name: str) -> dict:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def test_the_file_for_postgres_is_the_other_with_a_storage():
    on_postgres = read("dagster-postgres.yaml")
    assert set(on_postgres.pop("storage")) == {"custom"}
    assert on_postgres == read("dagster.yaml")


@pytest.mark.parametrize("name", ["dagster.yaml", "dagster-postgres.yaml"])
def test_an_instance_left_alone_for_a_year_heals_and_does_not_grow_without_end(name):
    found = read(name)
    assert found["run_monitoring"]["enabled"] and found["run_monitoring"]["free_slots_after_run_end_seconds"]
    assert found["run_retries"]["enabled"] and not found["run_retries"]["retry_on_asset_or_op_failure"]
    assert found["retention"]["sensor"]["purge_after_days"]["skipped"] <= 7
    assert found["telemetry"] == {"enabled": False}


def test_the_instance_loads_and_uses_the_launcher_that_looks_for_processes(tmp_path: Path):
    (tmp_path / "dagster.yaml").write_bytes((DEPLOY / "dagster.yaml").read_bytes())
    script = (
        "import dagster as dg, json, sys\n"
        "with dg.DagsterInstance.from_config(sys.argv[1]) as instance:\n"
        "    launcher = instance.run_launcher\n"
        "    print(json.dumps([type(launcher).__name__, launcher.supports_check_run_worker_health,\n"
        "        instance.run_retries_enabled, instance.run_retries_max_retries]))"
    )
    said = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == ["LocalRunLauncher", True, True, 3]
