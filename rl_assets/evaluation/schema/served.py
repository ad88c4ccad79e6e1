"""What users made of two served models, as data."""

from rl_assets.core.validation import Record
from rl_assets.metrics.statistics import Interval


class ServedArm(Record):
    """The conversations of one served model; `reward` is the mean of the rated ones, in [0, 1]."""

    name: str
    conversations: int
    rated: int
    failed: int
    reward: float

    def words(self) -> str:
        """As "0.652 by 1,021 rated conversations of product--dpo-0f3a5c779e21"."""
        return f"{self.reward:.3f} by {self.rated:,} rated conversations of {self.name}"


class ServedResult(Record):
    """Two served models. `gain` is the difference in mean reward with the chances of the draw taken out, `errors` and
    `rated` the differences of the shares of conversations that failed and that were rated."""

    ours: ServedArm
    theirs: ServedArm
    gain: Interval
    errors: Interval
    rated: Interval

    def sentence(self) -> str:
        """Both mean rewards, and the gain for one look."""
        return f"Mean reward {self.ours.words()}, {self.theirs.words()}; a gain of {self.gain:+.3f} for one look."
