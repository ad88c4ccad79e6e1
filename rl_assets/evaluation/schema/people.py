"""What people say of two models, as data: their win rate, beside that of a judge on the same kind of pairs."""

from rl_assets.core.validation import Record
from rl_assets.evaluation.schema.evidence import Evidence
from rl_assets.metrics.statistics import Interval

# With fewer, a 95 % interval covers 90 to 92 %.
MIN_LABELS = 50


class People(Record):
    """Labels of pairs of the epoch that were drawn at random; several labels of a pair are averaged.

    `labels` counts the labelled pairs, `judged_only` those that a judge alone decided, and `weight` says how much its
    verdicts add. `rate` is the calibrated win rate of the model under decision, a tie as half, and `judged` the judge's
    own on all pairs; both are None with fewer than 50 labels, `judged` without a judge. In `evidence` each label is a
    bet; its last night is `newest`, the newest with a label.
    """

    labels: int
    raters: int
    judged_only: int = 0
    weight: float = 0.0
    rate: Interval | None = None
    judged: Interval | None = None
    newest: str | None = None
    evidence: Evidence = Evidence()

    @property
    def disagree(self) -> bool:
        """Whether the judge's interval and that of people have nothing in common."""
        if self.rate is None or self.judged is None:
            return False
        ends = (self.rate.low, self.rate.high, self.judged.low, self.judged.high)
        if None in ends:
            return False
        return bool(max(self.rate.low or 0, self.judged.low or 0) > min(self.rate.high or 0, self.judged.high or 0))

    def count(self) -> str:
        """As "23 of 50 human labels"."""
        return f"{self.labels} of {MIN_LABELS} human labels"

    def sentence(self) -> str:
        """The calibrated win rate and the judge's, or how many labels there are."""
        if self.rate is None:
            return f"People: {self.count()} of pairs in review_queue, too few for a win rate."
        who = "1 person" if self.raters == 1 else f"{self.raters} people"
        sentence = f"People: win rate {self.rate:.3f} by {self.labels} pairs that {who} labelled"
        if self.judged is None:
            return f"{sentence}."
        return (
            f"{sentence}, with {self.judged_only:,} more that the judge alone decided (weight {self.weight:.2f}). The "
            f"judge says {self.judged:.3f} of the same kind of pairs."
        )
