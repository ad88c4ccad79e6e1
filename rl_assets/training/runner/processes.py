"""Training over several GPUs: one process for each, started by accelerate."""

import json
import os
import subprocess
import sys
from collections import deque
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rl_assets.models.adapters import Adapter, Check, read_adapter
from rl_assets.models.memory import DeviceMemoryError
from rl_assets.models.runtime import cpu_threads
from rl_assets.training.errors import (
    NoSignal,
    NotEnoughRows,
    ProcessesFailed,
    TrainingDiverged,
    TrainingRefused,
)
from rl_assets.training.job import TrainingJob
from rl_assets.training.runner.progress import Observe
from rl_assets.training.runner.run import Log

WORKER = "rl_assets.training.worker"
# Torch's launcher adds some forty lines of its own below those of the process that failed.
SHOWN_LINES = 80
# Prefix of the lines of a worker that hold values to plot.
OBSERVED = "observed: "
# Errors that keep their class from one process to another; all others of data or configuration are refusals.
NAMED_ERRORS = {error.__name__: error for error in (TrainingDiverged, DeviceMemoryError, NoSignal)}


def train_in_processes(job: TrainingJob, log: Log, processes: int, observe: Observe) -> Adapter:
    """The adapter of this job, trained by `processes` workers; their recipe's effective batch is that of all together.

    Raises NotEnoughRows, TrainingRefused, TrainingDiverged, DeviceMemoryError, and ProcessesFailed for all else.
    """
    log(f"{job.kind}: training in {processes} processes")
    with TemporaryDirectory(prefix="rl_assets_") as folder:
        job_file, outcome_file = Path(folder) / "job.json", Path(folder) / "outcome.json"
        job_file.write_bytes(job.to_json())
        failure = _launch([str(job_file), str(outcome_file)], processes, log, observe)
        # One that met a permanent error wrote it down before it ended, and the others with it.
        if failure and not outcome_file.is_file():
            raise ProcessesFailed(failure)
        return _adapter_of(json.loads(outcome_file.read_text(encoding="utf-8")))


def _launch(arguments: list[str], processes: int, log: Log, observe: Observe) -> str | None:
    """Run the worker in `processes` processes; their lines go to `log`. If they fail, how, with the last lines."""
    # "--multi_gpu" selects torch's launcher; on a machine without GPUs its processes talk by gloo.
    options = ["--multi_gpu", "--num_processes", str(processes), "--num_machines", "1", "--main_process_port", "0"]
    options += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    command = [sys.executable, "-m", "accelerate.commands.launch", *options, "-m", WORKER]
    # Unset, torch's launcher would make it 1.
    environment = os.environ | {"OMP_NUM_THREADS": str(cpu_threads(processes))}
    last: deque[str] = deque(maxlen=SHOWN_LINES)
    # Nothing is written to their input: they end when it closes, so whether this step is cancelled or killed.
    with subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
    ) as launcher:
        assert launcher.stdout is not None
        for line in launcher.stdout:
            if line.startswith(OBSERVED):
                observe(json.loads(line.removeprefix(OBSERVED)))
                continue
            last.append(line.rstrip())
            log(line.rstrip())
    if not launcher.returncode:
        return None
    status = f"training in {processes} processes failed with exit status {launcher.returncode}"
    return f"{status}; the last lines were:\n" + "\n".join(last)


def outcome_of(result: Adapter | Exception) -> dict[str, Any]:
    """What a worker leaves for the process that started it."""
    if isinstance(result, NotEnoughRows):
        return {"not_enough_rows": result.as_dict()}
    if isinstance(result, Exception):
        check = result.check if isinstance(result, TrainingRefused) else None
        shown = check.model_dump(mode="json") if check else None
        return {"error": type(result).__name__, "reason": str(result), "check": shown}
    return {"folder": str(result.folder), "day": result.day, "trained": result.trained}


def _adapter_of(outcome: dict[str, Any]) -> Adapter:
    if "not_enough_rows" in outcome:
        raise NotEnoughRows(**outcome["not_enough_rows"])
    if "error" in outcome:
        if named := NAMED_ERRORS.get(outcome["error"]):
            raise named(outcome["reason"])
        raise TrainingRefused(outcome["reason"], Check(**outcome["check"]) if outcome["check"] else None)
    return replace(read_adapter(Path(outcome["folder"])), day=outcome["day"], trained=outcome["trained"])
