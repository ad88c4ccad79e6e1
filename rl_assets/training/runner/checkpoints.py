"""Checkpoints of an interrupted training: which of them is whole, by hashes of its files that are written last."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rl_assets.core.files import sha256_file, write_json

# The trainer writes these one after the other; one that lacks the optimizer would resume silently with other weights.
NEEDED = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json")
SEAL = "whole.json"


def seal(checkpoint: Path, processes: int = 1) -> None:
    """Write the hashes of a checkpoint's files into it, after which it counts as whole.

    FileNotFoundError where the trainer left one out.
    """
    names = (*NEEDED, _random_state(0, processes))
    write_json(checkpoint / SEAL, {name: sha256_file(checkpoint / name) for name in names})


def newest_whole_checkpoint(checkpoints: Path, log: Callable[[str], None], processes: int = 1) -> Path | None:
    """The highest-numbered `checkpoint-<step>` folder whose files are as they were, or None: training starts anew.

    One that another number of processes wrote is not whole: each keeps the state of its own random numbers.
    """
    for path in sorted(checkpoints.glob("checkpoint-*"), key=checkpoint_step, reverse=True):
        fault = _fault(path, processes)
        if fault is None:
            return path
        log(f"{path.name} is left out: {fault}")
    return None


def _fault(checkpoint: Path, processes: int) -> str | None:
    if not (checkpoint / SEAL).is_file():
        return "its writing was interrupted"
    if not all((checkpoint / _random_state(rank, processes)).is_file() for rank in range(processes)):
        return f"it is not one of {processes} processes"
    hashes = json.loads((checkpoint / SEAL).read_text(encoding="utf-8"))
    changed = [name for name, digest in hashes.items() if not _is_as_written(checkpoint / name, digest)]
    return f"{', '.join(changed)} was damaged" if changed else None


def _is_as_written(path: Path, digest: str) -> bool:
    return path.is_file() and sha256_file(path) == digest


def _random_state(rank: int, processes: int) -> str:
    return "rng_state.pth" if processes == 1 else f"rng_state_{rank}.pth"


def checkpoint_step(checkpoint: Path) -> int:
    """The step after which a checkpoint was written."""
    return int(checkpoint.name.rsplit("-", 1)[1])


def sealing_callback(checkpoints: Path, processes: int) -> Any:
    """The trainer callback that seals each checkpoint of the main process once it is written."""
    from transformers import TrainerCallback

    class SealingCallback(TrainerCallback):
        def on_save(self, args, state, control, **kwargs):
            if state.is_world_process_zero:
                seal(checkpoints / f"checkpoint-{state.global_step}", processes)

    return SealingCallback()
