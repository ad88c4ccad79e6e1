"""How many rows of a dataset a training would take, and why it would not start. Counting them is `training`'s."""

from dataclasses import dataclass


@dataclass(frozen=True)
class UsableRows:
    """Rows of a dataset that the training of `kind` would take; `reason` says why it would be skipped, if it would.

    Rows of large datasets are estimated from a sample.
    """

    kind: str
    rows: int
    needed: int
    reason: str | None = None

    @property
    def trains(self) -> bool:
        """Whether an adapter would come of it."""
        return self.reason is None

    def __str__(self) -> str:
        if self.reason is None:
            return f"{self.kind} would train on {self.rows} rows"
        return f"{self.kind} would not train: {self.reason}"


def sentence(usable: list[UsableRows]) -> str:
    """What would be trained, and what would not and why."""
    return "; ".join(str(one).rstrip(".") for one in usable)
