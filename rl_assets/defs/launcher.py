"""Dagster's run launcher for one machine, which also notices a run whose process is gone (power cut, no memory left).

`dagster.yaml` names it. Without it such a run counts as running for ever, holds its place in the pools, and is not
retried. Runs in containers have launchers that know this; use those there.
"""

import dagster as dg
import psutil
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

# Clocks of the events and of the process table may be read in another order than things happened.
TOLERANCE_S = 5.0


class LocalRunLauncher(dg.DefaultRunLauncher):
    """Runs are processes of this machine, and their processes are looked for."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """RUNNING while the newest process of the run is there, or where the run has not said yet which it is."""
        said = _process(self._instance, run.run_id)
        if said is None or is_alive(*said):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"process {said[0]} of the run is gone")


def is_alive(pid: int, seen_at: float) -> bool:
    """Whether the process that had the id `pid` at `seen_at` (unix seconds) is there; a later one is another."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= seen_at + TOLERANCE_S
    except psutil.NoSuchProcess:
        return False


def _process(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """Id of the run's own process, and when it was last heard of."""
    for entry in reversed(instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)):
        event = entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event and event.step_key is None else None
        if pid is not None:
            return int(str(pid.value)), entry.timestamp
    return None
