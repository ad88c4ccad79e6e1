"""One of the processes that train an adapter together; `runner/processes.py` has accelerate start them.

    python -m rl_assets.training.worker <job.json> <outcome.json>

The main process prints how training goes on its standard output, and writes the outcome. A process that meets an error
of data, configuration or memory writes that instead and ends, and the launcher ends the others.
"""

import json
import os
import sys
import threading
from pathlib import Path

from rl_assets.core.files import write_json
from rl_assets.models.adapters import Adapter
from rl_assets.models.runtime import is_main_process
from rl_assets.training.errors import PERMANENT, NoSignal, NotEnoughRows, TrainingRefused
from rl_assets.training.job import job_from_json
from rl_assets.training.runner.processes import OBSERVED, outcome_of
from rl_assets.training.runner.progress import observe_nothing
from rl_assets.training.train import train_in_this_process


def main(job_file: Path, outcome_file: Path) -> None:
    """Train, and write what came of it."""
    log, observe = (_print, _observe) if is_main_process() else (_discard, observe_nothing)
    result: Adapter | NotEnoughRows | NoSignal | TrainingRefused
    try:
        result = train_in_this_process(job_from_json(job_file.read_bytes()), log, observe)
    except (NotEnoughRows, NoSignal, TrainingRefused) as reason:
        # All processes read the same rows and find the same, before the first of them waits for another.
        result = reason
    except PERMANENT as error:
        # Memory may run out in one of them alone.
        write_json(outcome_file, outcome_of(error))
        raise
    if is_main_process():
        write_json(outcome_file, outcome_of(result))


def _end_with_the_step() -> None:
    """Leave when standard input closes: then the step that started this process is gone, killed perhaps."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _print(line: str) -> None:
    print(line, flush=True)


def _observe(values: dict[str, float]) -> None:
    _print(OBSERVED + json.dumps(values))


def _discard(line: str) -> None:
    """The main process prints it."""


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_step, daemon=True).start()
    main(Path(sys.argv[1]), Path(sys.argv[2]))
