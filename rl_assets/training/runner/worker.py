"""One of the processes that train an adapter together; `rl_assets.training.runner.processes` has accelerate start them.

    python -m rl_assets.training.runner.worker <request.json> <outcome.json>

The main process tells on its standard output how training goes, and in the outcome what came of it.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Any

from rl_assets.core.files import write_json
from rl_assets.models.runtime import is_main_process
from rl_assets.training.data.rows import NotEnoughRows
from rl_assets.training.runner.request import read_request, train_here


def main(task: Path, outcome: Path) -> None:
    try:
        adapter = train_here(read_request(task), _tell if is_main_process() else _be_quiet)
    except NotEnoughRows as reason:
        found: dict[str, Any] = {"not_enough_rows": reason.figures()}
    else:
        found = {"folder": str(adapter.folder), "day": adapter.day, "trained": adapter.trained}
    if is_main_process():
        write_json(outcome, found)


def _end_with_the_step() -> None:
    """Leave when standard input closes: then the step that started this process is gone, killed perhaps."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _tell(line: str) -> None:
    print(line, flush=True)


def _be_quiet(line: str) -> None:
    """The main process tells it."""


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_step, daemon=True).start()
    main(Path(sys.argv[1]), Path(sys.argv[2]))
