"""How good a head is, as values: against the better length rule, by slices, and how well it is calibrated."""

from pydantic import Field

from rl_assets.core.validation import Record
from rl_assets.metrics.statistics import Interval
from rl_assets.rewards.length_rule import Rule


class Comparison(Record):
    """A head against the better length rule of its training pairs, on pairs that it did not learn from.

    `rules` counts the folds by the rule that they held to; `gain` is the paired difference with its 95 % interval,
    bootstrapped over clusters. Slices are accuracies of the head; those without pairs are None or absent.
    """

    pairs: int
    accuracy: Interval
    baseline: Interval
    rules: dict[Rule, int]
    gain: Interval
    shorter_is_right: Interval | None = None
    lengths_alike: Interval | None = None
    by_margin: dict[str, Interval] = Field(default_factory=dict)


class CalibrationReport(Record):
    """`error` is the expected calibration error (10 bins) of values from a calibration on other folds, `error_before`
    that of the plain sigmoid of scores. `fitted_on` are validation ratings, or training ratings by heads that did not
    learn from them, or preferences."""

    method: str
    fitted_on: str
    ratings: int
    error_before: float | None = None
    error: float | None = None
    monotone_steps: float | None = None
    flat_share: float = 0.0


class DimensionReport(Record):
    """What is known of one head. `decided_by` names the comparison that says whether recipes may use it."""

    train_pairs: int
    held_out_pairs: int
    held_out: Comparison | None = None
    out_of_fold: Comparison | None = None
    decided_by: str
    one_rater: Interval | None = None
    calibration: CalibrationReport

    @property
    def decisive(self) -> Comparison:
        """The comparison that decides."""
        found = self.held_out if self.decided_by == "held_out" else self.out_of_fold
        assert found is not None, "it decides, so it was made"
        return found

    @property
    def beats_length(self) -> bool:
        """Whether the head is better than the length rule, as sure as the interval is."""
        low = self.decisive.gain.low
        return low is not None and low > 0
