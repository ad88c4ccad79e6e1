"""Evidence as data: what each cluster of prompts said of two models, and what all of them say together."""

from typing import Literal

from rl_assets.core.validation import Record

# A model that is no better is promoted in at most one of so many epochs, however often it is looked at.
FALSE_PROMOTIONS = 0.05
THRESHOLD = 1 / FALSE_PROMOTIONS

Source = Literal["test", "fresh", "served"]


class ClusterDifference(Record):
    """The difference ours - theirs on one cluster of prompts, in [-1, 1].

    `source` is the test split, prompts that landed after both models were trained, or a served conversation, which is a
    cluster of its own. `log_length_ratio` is
    ln(our characters / theirs), where a judge compared answers.
    """

    cluster: str
    difference: float
    source: Source
    log_length_ratio: float | None = None


class Evidence(Record):
    """What the nights of an epoch say: `value` is E for ours, `opposite` E for theirs since that reached `threshold`.

    With `by_night` whole nights were bet on, since they vary more than their clusters explain. `rejected_tonight` says
    that `opposite` reached the threshold in the last night. `nights_left` is how many nights like the mean one it takes
    to reach the threshold if the mean is true; 0 once it is reached, None if the mean is not above 0. `lower` is the
    lower bound of the mean that holds on all nights at once. `tonight` counts the clusters of the last night, and
    `latest` those of the `latest_nights` that it takes to hear of the newest adapters. `unbalanced` is the share of
    judged pairs whose lengths cannot be balanced, and `waiting` counts those that may be once more pairs differ as much
    in length.
    """

    value: float = 1.0
    opposite: float = 1.0
    threshold: float = THRESHOLD
    nights: int = 0
    clusters: int = 0
    mean: float | None = None
    by_night: bool = False
    rejected_tonight: bool = False
    nights_left: int | None = None
    lower: float | None = None
    unbalanced: float = 0.0
    waiting: int = 0
    tonight: int = 0
    tonight_mean: float | None = None
    latest: int = 0
    latest_nights: int = 0
    latest_mean: float | None = None

    @property
    def better(self) -> bool:
        """Whether ours is shown to be better."""
        return self.value >= self.threshold
