"""Dagster's run launcher for one machine, which also notices a run whose process is gone (power cut, no memory left).

`dagster.yaml` names it. Without it such a run counts as running permanently, keeps its slots in the pools, and is
not retried. Runs in containers have launchers that know this; use those there. Steps that a pool has forgotten are
woken too.
"""

import dagster as dg
import psutil
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

# Clocks of the events and of the process table may be read in another order than things happened.
TOLERANCE_S = 5.0


class LocalRunLauncher(dg.DefaultRunLauncher):
    """Runs are processes of this machine, and their processes are looked for."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """RUNNING while the newest process of the run is there, or as long as the run has not reported one."""
        wake_forgotten_steps(self._instance, run.run_id)
        process = process_of(self._instance, run.run_id)
        if process is None or is_alive(*process):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"process {process[0]} of the run is gone")


def wake_forgotten_steps(instance: dg.DagsterInstance, run_id: str) -> None:
    """Give free slots of pools to steps if one of this run waits in vain.

    Dagster assigns a slot when a step claims one, and to a waiting step when another step ends. A step that claims at
    the moment in which the other ends is queued, and no later end wakes it: its run would wait for ever.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return
    for pool in storage.get_concurrency_keys():
        info = storage.get_concurrency_info(pool)
        waits = any(step.run_id == run_id and step.assigned_timestamp is None for step in info.pending_steps)
        if waits and info.assigned_step_count < info.slot_count:
            storage.assign_pending_steps([pool])


def is_alive(pid: int, seen_at: float) -> bool:
    """Whether the process that had the id `pid` at `seen_at` (unix seconds) is there; a later one is another."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and bool(process.create_time() <= seen_at + TOLERANCE_S)
    except psutil.NoSuchProcess:
        return False


def process_of(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """Id of the run's own process, and when it was last heard of."""
    for entry in reversed(instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)):
        event = entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event and event.step_key is None else None
        if pid is not None:
            return int(str(pid.value)), entry.timestamp
    return None
