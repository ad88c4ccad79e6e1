"""Parts of a report beside its main comparison, as data: slices, benchmarks, rewards, what training cost."""

from typing import Literal

from rl_assets.core.record import Record
from rl_assets.evaluation.schema.roles import Role
from rl_assets.metrics.statistics import Interval

Dimension = Literal["agent", "category", "segment"]
SliceVerdict = Literal["better", "worse", "not told apart", "too few"]


class Slice(Record):
    """The primary metric on the items of one agent, category or segment: the candidate's, and the difference.

    `p_holm` is adjusted for all slices of the report; None where there are too few clusters to tell.
    """

    dimension: Dimension
    value: str
    figure: Interval
    difference: Interval
    p_holm: float | None
    verdict: SliceVerdict


class BenchmarkResult(Record):
    """One file of the benchmarks folder: every model's figures, and the candidate's paired differences."""

    name: str
    sha256: str
    items: int
    left_out: int
    metrics: dict[Role, dict[str, Interval]]
    against: Role
    differences: dict[str, Interval]


class RewardBin(Record):
    """How many rated answers of the window have a reward in [low, low + 0.1) from that source; the last includes 1."""

    source: str
    low: float
    answers: int


class ServedRating(Record):
    """What people said of the answers that one adapter served, by the log; `adapter` None: the log names none.

    `rating` is the mean reward in [0, 1] over `questions`, `improvement` how much it is above that of answers without
    an adapter at one mix of categories, `rejection_rate` the share of answers at two stars or below, or corrected.
    """

    segment: str
    adapter: str | None
    questions: int
    rating: Interval
    improvement: Interval | None
    rejection_rate: Interval


class TrainingCost(Record):
    """What one adapter took: wall seconds, tokens seen, peak memory in bytes, and the device, from its manifest."""

    kind: str
    inputs_hash: str
    sha256: str
    dataset: str
    wall_s: float | None
    tokens: int | None
    peak_memory_bytes: int | None
    device: str | None
