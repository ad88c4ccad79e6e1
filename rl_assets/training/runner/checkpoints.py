"""Checkpoints of an interrupted training. A commit marker, written last, tells which are complete, by file hashes."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rl_assets.core.files import sha256_file, write_json
from rl_assets.training.runner.finite import require_finite_weights

# The trainer writes these one after the other; one that lacks the optimizer would resume silently with other weights.
REQUIRED_FILES = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json")
COMMIT_MARKER = "committed.json"
SPENT_FILE = "spent.json"


@dataclass(frozen=True)
class Spent:
    """What the steps up to a checkpoint took, over all attempts."""

    tokens: int = 0
    wall_s: float = 0.0
    peak_memory_bytes: int = 0


NOTHING_SPENT = Spent()


def commit_checkpoint(
    checkpoint: Path, processes: int = 1, spent: Spent = NOTHING_SPENT, files: tuple[str, ...] = ()
) -> None:
    """Write what it took and, last, the hashes of a checkpoint's files: then it counts as complete.

    `files` are those that its trainer writes besides what all do.

    FileNotFoundError if the trainer did not write one of them.
    """
    write_json(checkpoint / SPENT_FILE, asdict(spent))
    names = (*REQUIRED_FILES, *files, _random_state(0, processes), SPENT_FILE)
    write_json(checkpoint / COMMIT_MARKER, {name: sha256_file(checkpoint / name) for name in names})


def newest_complete_checkpoint(checkpoints: Path, log: Callable[[str], None], processes: int = 1) -> Path | None:
    """The highest-numbered `checkpoint-<step>` folder whose files are as they were, or None: training starts afresh.

    One that another number of processes wrote is not complete: each keeps the state of its own random numbers.
    """
    for path in sorted(checkpoints.glob("checkpoint-*"), key=checkpoint_step, reverse=True):
        fault = _fault(path, processes)
        if fault is None:
            return path
        log(f"{path.name} is skipped: {fault}")
    return None


def spent_before(checkpoint: Path | None) -> Spent:
    """What the steps took that need not be trained again; nothing without a checkpoint."""
    if checkpoint is None or not (checkpoint / SPENT_FILE).is_file():
        return NOTHING_SPENT
    return Spent(**json.loads((checkpoint / SPENT_FILE).read_text(encoding="utf-8")))


def discard_checkpoints_after(checkpoints: Path, step: int) -> Path | None:
    """Remove the checkpoints of later steps, whose weights are of no use, and return the newest that is left."""
    for path in checkpoints.glob("checkpoint-*"):
        if checkpoint_step(path) > step:
            shutil.rmtree(path)
    committed = [path for path in checkpoints.glob("checkpoint-*") if (path / COMMIT_MARKER).is_file()]
    return max(committed, key=checkpoint_step, default=None)


def _fault(checkpoint: Path, processes: int) -> str | None:
    if not (checkpoint / COMMIT_MARKER).is_file():
        return "its writing was interrupted"
    if not all((checkpoint / _random_state(rank, processes)).is_file() for rank in range(processes)):
        return f"it is not one of {processes} processes"
    hashes = json.loads((checkpoint / COMMIT_MARKER).read_text(encoding="utf-8"))
    changed = [name for name, digest in hashes.items() if not _is_as_written(checkpoint / name, digest)]
    return f"{', '.join(changed)} was damaged" if changed else None


def _is_as_written(path: Path, digest: str) -> bool:
    return path.is_file() and sha256_file(path) == digest


def _random_state(rank: int, processes: int) -> str:
    return "rng_state.pth" if processes == 1 else f"rng_state_{rank}.pth"


def checkpoint_step(checkpoint: Path) -> int:
    """The step after which a checkpoint was written."""
    return int(checkpoint.name.rsplit("-", 1)[1])


def commit_callback(checkpoints: Path, processes: int, spent: Callable[[], Spent], files: tuple[str, ...] = ()) -> Any:
    """The trainer callback that commits each checkpoint of the main process once it is written.

    Its `on_save` raises TrainingDiverged, and commits nothing, if the weights have blown up.
    """
    from transformers import TrainerCallback

    class CommitCallback(TrainerCallback):
        def on_save(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
            # In every process, so that none waits for one that has ended.
            require_finite_weights(model, state.global_step)
            if state.is_world_process_zero:
                commit_checkpoint(checkpoints / f"checkpoint-{state.global_step}", processes, spent(), files)

    return CommitCallback()
