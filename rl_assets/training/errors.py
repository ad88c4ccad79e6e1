"""Why a training did not give an adapter. All state the observed value and what to do."""

from typing import Any

from rl_assets.models.adapters import Check


class NotEnoughRows(ValueError):
    """Fewer usable rows than the recipe asks for; nothing was trained."""

    def __init__(self, usable: int, needed: int, where: str, dropped: dict[str, int]):
        self.usable, self.needed, self.where, self.dropped = usable, needed, where, dropped
        lost = f" ({', '.join(f'{count} {reason}' for reason, count in dropped.items())})" if dropped else ""
        super().__init__(f"{where} has {usable} usable rows{lost}, training needs {needed}: {_remedy(needed, dropped)}")

    def as_dict(self) -> dict[str, Any]:
        """What another process needs to raise the same."""
        return {name: getattr(self, name) for name in ("usable", "needed", "where", "dropped")}


def _remedy(needed: int, dropped: dict[str, int]) -> str:
    """What would help: the rows may be there, but be dropped."""
    reason = max(dropped, key=lambda name: dropped[name], default="")
    if reason and dropped[reason] >= needed:
        remedies = {
            "of other segments": "the recipe's segment, agents or categories drop the others; change or remove them.",
            "too long": "raise the recipe's max_length, or set on_overlong: cut.",
        }
        return remedies.get(reason, f"most are dropped as {reason}.")
    return "wait for more feedback, widen the window, or lower the recipe's min_rows."


class TrainingRefused(ValueError):
    """The data or the parent adapter are wrong, and stay wrong however often it is tried; nothing was trained.

    `check` is the check that failed, if it is one that the adapter would have answered.
    """

    def __init__(self, reason: str, check: Check | None = None):
        super().__init__(reason)
        self.check = check


class UntrainableRows(TrainingRefused):
    """Rows whose loss mask is empty or leaves out the end of the turn, or that are all of one kind."""


class WrongReferenceError(TrainingRefused):
    """Before any update the policy differs from its reference: the preference loss would start from a bias."""


class TrainingDiverged(RuntimeError):
    """The loss became NaN or infinite."""


class DiskFullError(OSError):
    """Weights or a checkpoint could not be written completely."""


class ProcessesFailed(RuntimeError):
    """A process of a training over several GPUs ended with an error."""
