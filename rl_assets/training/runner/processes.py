"""Training over all GPUs that a step was given: here where there is one or none, else a process a GPU by accelerate."""

import json
import subprocess
import sys
from collections import deque
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rl_assets.models.adapters import Adapter, read_adapter
from rl_assets.models.runtime import gpu_count
from rl_assets.training.data.rows import NotEnoughRows
from rl_assets.training.runner.request import Request, train_here
from rl_assets.training.runner.run import Log

# Torch's launcher adds some forty lines of its own below those of the process that failed.
SHOWN_LINES = 80


class ProcessesFailed(RuntimeError):
    """A process of a training over several GPUs ended with an error."""


def train(request: Request, log: Log, processes: int | None = None) -> Adapter:
    """The adapter of this request: found, resumed or trained anew over `processes`, the visible GPUs where None.

    Its recipe's effective batch is that of all processes together, so it is the same adapter on any number of them.
    Raises what the kind's training raises, NotEnoughRows included, and ProcessesFailed.
    """
    processes = gpu_count() if processes is None else processes
    if processes < 2:
        return train_here(request, log)
    log(f"{request.kind}: training in {processes} processes")
    with TemporaryDirectory(prefix="rl_assets_") as folder:
        task, outcome = Path(folder) / "request.json", Path(folder) / "outcome.json"
        request.write(task)
        _launch([str(task), str(outcome)], processes, log)
        return _read(outcome)


def _launch(arguments: list[str], processes: int, log: Log) -> None:
    """Run the worker in `processes` processes; their lines go to `log`, the last ones to the error where they fail."""
    # "--multi_gpu" selects torch's launcher; on a machine without GPUs its processes talk by gloo.
    options = ["--multi_gpu", "--num_processes", str(processes), "--num_machines", "1", "--main_process_port", "0"]
    options += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    command = [sys.executable, "-m", "accelerate.commands.launch", *options, "-m", "rl_assets.training.runner.worker"]
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
    ) as launcher:
        assert launcher.stdout is not None
        for line in launcher.stdout:
            last.append(line.rstrip())
            log(line.rstrip())
    if launcher.returncode:
        raise ProcessesFailed(
            f"training in {processes} processes failed with exit status {launcher.returncode}; the last lines were:\n"
            + "\n".join(last)
        )


def _read(outcome: Path) -> Adapter:
    found = json.loads(outcome.read_text(encoding="utf-8"))
    if "not_enough_rows" in found:
        raise NotEnoughRows(**found["not_enough_rows"])
    return replace(read_adapter(Path(found["folder"])), day=found["day"], trained=found["trained"])
