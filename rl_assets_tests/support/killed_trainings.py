"""Trainings in processes of their own, which are killed, or whose disk is full."""

import signal
import subprocess
import sys

from rl_assets.training.job import TrainingJob

KILLED = """
import os, signal, sys
from pathlib import Path
from rl_assets.training.job import job_from_json
from rl_assets.training.runner import progress, run
from rl_assets.training.train import train_in_this_process

class Killer(progress.Progress):
    def report_step(self, step, steps, values):
        if step == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        super().report_step(step, steps, values)

run.Progress = Killer
train_in_this_process(job_from_json(Path(sys.argv[1]).read_bytes()), print)
"""
FULL = """
import resource, sys
from pathlib import Path
from rl_assets.training.job import job_from_json
from rl_assets.training.train import train_in_this_process

# No file may grow beyond this, as on a disk that is full.
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
train_in_this_process(job_from_json(Path(sys.argv[1]).read_bytes()), print)
"""


def run_until_killed(job: TrainingJob, step: int) -> None:
    """Train in a process of its own, which kills itself after `step`."""
    process = _run(KILLED, job, step)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()


def run_until_full(job: TrainingJob, max_bytes: int) -> None:
    """Train in a process of its own, in which no file can grow beyond so many bytes."""
    process = _run(FULL, job, max_bytes)
    assert process.returncode == 1 and b"DiskFullError" in process.stderr, process.stderr.decode()[-2000:]


def _run(script: str, job: TrainingJob, argument: int) -> subprocess.CompletedProcess[bytes]:
    """Run a script with the job, written to a file, and another argument."""
    job.adapters.mkdir(parents=True, exist_ok=True)
    path = job.adapters / "job.json"
    path.write_bytes(job.to_json())
    return subprocess.run([sys.executable, "-c", script, str(path), str(argument)], check=False, capture_output=True)
