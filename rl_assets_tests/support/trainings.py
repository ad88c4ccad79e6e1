"""Nights that are in the middle of a training, for tests that break something then."""

from pathlib import Path

import dagster as dg
from dagster._core.events import EngineEventData

from rl_assets_tests.support.night_logs import write_log
from rl_assets_tests.support.nights import Nights
from rl_assets_tests.support.stand_in import make_dataset

DAY, SENSOR, JOB = "2026-10-01", "enough_new_feedback", "retrain_job"
FEW = {f"RL_ASSETS_RETRAIN_MIN_{kind}_ROWS": "5" for kind in ("SFT", "DPO", "GRPO")}


def ready_to_train(found: Nights, seconds: int) -> None:
    """Datasets that are worth a training, which takes so long; the sensor is on, nothing runs yet."""
    write_log(found.home, DAY, range(20))
    assert make_dataset(found.home, DAY).success
    (found.home / "training_seconds").write_text(str(seconds), encoding="utf-8")
    found.dagster("sensor", "start", SENSOR)


def begun(found: Nights, step: str | None = None) -> tuple[dg.DagsterRun, int]:
    """The run whose training has begun, and the id of its process, or of the process of that step of it."""

    def in_mid_training() -> tuple[dg.DagsterRun, int] | None:
        with found.instance() as instance:
            for run in instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=[dg.DagsterRunStatus.STARTED])):
                entries = instance.all_logs(run.run_id)
                if any(entry.user_message == "second 1" for entry in entries):
                    return run, process_of(instance, run.run_id, step)
        return None

    return found.wait_for("a training", in_mid_training)


def process_of(instance: dg.DagsterInstance, run_id: str, step: str | None) -> int:
    """The newest process that the run, or that step of it, said it has."""
    for entry in reversed(instance.all_logs(run_id)):
        event = entry.dagster_event
        data = event.event_specific_data if event and event.step_key == step else None
        if pid := data.metadata.get("pid") if isinstance(data, EngineEventData) else None:
            return int(str(pid.value))
    raise AssertionError(f"run {run_id} has named no process")


def trained(found: Nights) -> list[Path]:
    """Whole adapters."""
    return sorted(found.home.glob("adapters/sft/*/manifest.json"))


def wait_until_trained(found: Nights, runs: int) -> list[dg.DagsterRun]:
    """Wait for an adapter, and until the runs that made it have ended."""
    found.wait_for("an adapter", lambda: trained(found))
    return found.wait_until_idle(JOB, runs)


def slots_taken(found: Nights) -> int:
    """Places of the pool `gpu` that are taken."""
    with found.instance() as instance:
        return len(instance.event_log_storage.get_concurrency_info("gpu").claimed_slots)
