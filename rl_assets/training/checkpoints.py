"""Checkpoints of an interrupted training: which of them is whole."""

from pathlib import Path

# The trainer writes these one after the other; one that lacks the optimizer would resume silently with other weights.
WHOLE = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")


def newest_whole_checkpoint(checkpoints: Path) -> Path | None:
    """The highest-numbered `checkpoint-<step>` folder with all its files, or None where training starts anew."""
    whole = [path for path in checkpoints.glob("checkpoint-*") if all((path / name).is_file() for name in WHOLE)]
    return max(whole, key=checkpoint_step, default=None)


def checkpoint_step(checkpoint: Path) -> int:
    """The step after which a checkpoint was written."""
    return int(checkpoint.name.rsplit("-", 1)[1])
