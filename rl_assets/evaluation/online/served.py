"""What users made of an adapter and of the model that it would replace, where both were served at known shares.

d = (1[ours] (r - b) / p_ours - 1[theirs] (r - b) / p_theirs) min(p_ours, p_theirs) for each rated conversation: the
estimate by inverse propensities with a baseline (Dudik et al. 2011, arXiv:1103.4601), scaled into [-1, 1] for a bet.
Its mean is the gain in reward times the smaller share, whatever the baseline b, if that was known before.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import erfc, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rl_assets.evaluation.online.conversations import Conversation
from rl_assets.evaluation.schema.evidence import ClusterDifference
from rl_assets.evaluation.schema.served import ServedArm, ServedResult
from rl_assets.metrics.statistics import Z_CONFIDENCE, Interval
from rl_assets.models.served_names import BASE, HASH_DIGITS, PRODUCT

MIN_PROPENSITY = 0.05
MIN_RATED = 500
# A canary that no conversation was given to for so long is served no more.
MAX_IDLE = timedelta(days=3)
# The baseline before anything was rated.
NEUTRAL = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Served:
    """The conversations that were drawn between two models: `ours`, the newest served adapter of a lineage, and the one
    that it would replace, by the names under which they are served. `ours` is None if no such adapter is served."""

    ours: str | None = None
    theirs: str = BASE
    conversations: tuple[Conversation, ...] = ()

    def of(self, model: str | None) -> list[Conversation]:
        """Those that were given to a model."""
        return [conversation for conversation in self.conversations if conversation.model == model]

    @property
    def rated(self) -> list[Conversation]:
        """Those with a reward."""
        return [conversation for conversation in self.conversations if conversation.reward is not None]

    def counts(self) -> tuple[int, int]:
        """Rated conversations of ours, and of theirs."""
        ours = sum(conversation.model == self.ours for conversation in self.rated)
        return ours, len(self.rated) - ours

    @property
    def decides(self) -> bool:
        """Whether there are 500 rated conversations of each: rewards are not looked at."""
        return self.ours is not None and min(self.counts()) >= MIN_RATED

    def basis(self) -> str:
        """How many there are, or what is missing."""
        if self.ours is None:
            return "no adapter was served beside the one that it would replace in conversations that drew an arm"
        ours, theirs = self.counts()
        return (
            f"{ours:,} rated conversations of {self.ours} and {theirs:,} of {self.theirs}, each drawn with a logged "
            f"probability of {MIN_PROPENSITY} or more; {MIN_RATED} of each are needed"
        )


def served_between(
    conversations: Sequence[Conversation], lineage: tuple[str | None, str], champions: Sequence[str], today: date
) -> Served:
    """The newest served adapter of a lineage (segment and kind) that was never champion, against the champion, or
    against the base without one.

    `champions` are the hashes of the champion's weights and, after it, of those that were champion before. Only
    conversations that could have been given to both count, each with a probability of 0.05 or more.
    """
    segment, kind = lineage
    prefix, known = f"{segment or PRODUCT}--{kind}-", [sha256[:HASH_DIGITS] for sha256 in champions]
    models = sorted({conversation.model for conversation in conversations})
    theirs = next((model for model in models if model.endswith(f"-{known[0]}")), known[0]) if known else BASE
    canaries = [
        (conversation.day, conversation.model)
        for conversation in conversations
        if conversation.model.startswith(prefix) and conversation.model[len(prefix) :] not in known
    ]
    day, ours = max(canaries, default=(date.min, ""))
    if not ours or today - day > MAX_IDLE:
        return Served(None, theirs)
    return Served(ours, theirs, _between(conversations, ours, theirs))


def served_before(conversations: Sequence[Conversation], previous: str, champion: str, promoted: date) -> Served:
    """The previous champion as ours against today's, by the hashes of their weights, since the day of the promotion."""
    later = [conversation for conversation in conversations if conversation.day > promoted]
    models = sorted({conversation.model for conversation in later})
    ours, theirs = (
        next((model for model in models if model.endswith(f"-{sha256[:HASH_DIGITS]}")), None)
        for sha256 in (previous, champion)
    )
    return Served(ours, theirs, _between(later, ours, theirs)) if ours and theirs else NOT_SERVED


def _between(conversations: Sequence[Conversation], ours: str, theirs: str) -> tuple[Conversation, ...]:
    """Conversations of either that could have been given to both."""
    return tuple(
        conversation
        for conversation in conversations
        if conversation.model in (ours, theirs)
        and min(conversation.share_of(ours), conversation.share_of(theirs)) >= MIN_PROPENSITY
    )


NOT_SERVED = Served()


def weighted_differences(
    rewards: ArrayLike, baselines: ArrayLike, ours: ArrayLike, shares: tuple[ArrayLike, ArrayLike]
) -> Floats:
    """d of n conversations from rewards and baselines in [0, 1], whether each is ours, and both sides' shares."""
    gains = np.asarray(rewards, np.float64) - np.asarray(baselines, np.float64)
    own, other = (np.asarray(side, np.float64) for side in shares)
    weighted: Floats = np.where(np.asarray(ours, np.bool_), gains / own, -gains / other) * np.minimum(own, other)
    return weighted


def baselines_of(conversations: Sequence[Conversation]) -> list[float]:
    """For each conversation the mean reward of its category on earlier days, else of all categories, else 0.5."""
    sums: dict[str | None, tuple[float, int]] = {}
    by_day: dict[date, list[Conversation]] = {}
    for conversation in conversations:
        by_day.setdefault(conversation.day, []).append(conversation)
    found: dict[str, float] = {}
    for day in sorted(by_day):
        for conversation in by_day[day]:
            total, count = sums.get(conversation.category) or sums.get(None) or (NEUTRAL, 1)
            found[conversation.name] = total / count
        for conversation in by_day[day]:
            if conversation.reward is not None:
                for key in (conversation.category, None):
                    total, count = sums.get(key, (0.0, 0))
                    sums[key] = total + conversation.reward, count + 1
    return [found[conversation.name] for conversation in conversations]


def served_differences(served: Served, counted: Collection[str] = ()) -> list[ClusterDifference]:
    """What each rated conversation says that the epoch has not `counted`, by name."""
    rated, weighted = served.rated, _weighted(served)
    rows = [
        ClusterDifference(cluster=conversation.name, difference=float(value), source="served")
        for conversation, value in zip(rated, weighted, strict=True)
        if conversation.name not in counted
    ]
    return sorted(rows, key=lambda row: row.cluster)


def _weighted(served: Served) -> Floats:
    rated, ours = served.rated, served.ours or ""
    baselines = {
        conversation.name: value
        for conversation, value in zip(served.conversations, baselines_of(served.conversations), strict=True)
    }
    return weighted_differences(
        [conversation.reward or 0.0 for conversation in rated],
        [baselines[conversation.name] for conversation in rated],
        [conversation.model == ours for conversation in rated],
        _shares(served),
    )


def _shares(served: Served) -> tuple[list[float], list[float]]:
    """Each rated conversation's probabilities of ours and theirs."""
    ours = [conversation.share_of(served.ours or "") for conversation in served.rated]
    return ours, [conversation.share_of(served.theirs) for conversation in served.rated]


def served_result(served: Served) -> ServedResult | None:
    """What a report says of the two; None without a rated conversation of each."""
    if served.ours is None or min(served.counts()) < 1:
        return None
    own, other = _shares(served)
    # Among conversations given to one of the two, each was ours with p / (p + q): then the mean is the gain itself.
    scale = (np.asarray(own) + np.asarray(other)) / np.minimum(own, other)
    ours, theirs = served.of(served.ours), served.of(served.theirs)
    return ServedResult(
        ours=_arm(served.ours, ours),
        theirs=_arm(served.theirs, theirs),
        gain=_normal(_weighted(served) * scale),
        errors=share_difference([c.failed for c in ours], [c.failed for c in theirs]),
        rated=share_difference([c.reward is not None for c in ours], [c.reward is not None for c in theirs]),
    )


def _normal(values: Floats) -> Interval:
    """The mean of n independent values with its normal 95 % interval and two-sided p-value."""
    mean, se = float(values.mean()), float(values.std(ddof=1) / sqrt(len(values)))
    p = erfc(abs(mean) / se / sqrt(2)) if se else 1.0
    return Interval(mean, mean - Z_CONFIDENCE * se, mean + Z_CONFIDENCE * se, se, len(values), len(values), p)


def _arm(name: str, conversations: Sequence[Conversation]) -> ServedArm:
    rewards = [conversation.reward for conversation in conversations if conversation.reward is not None]
    return ServedArm(
        name=name,
        conversations=len(conversations),
        rated=len(rewards),
        failed=sum(conversation.failed for conversation in conversations),
        reward=sum(rewards) / len(rewards),
    )


def share_difference(ours: Sequence[bool], theirs: Sequence[bool]) -> Interval:
    """Difference of two shares with its normal 95 % interval and the two-sided p-value of the pooled z test."""
    sizes, counts = (len(ours), len(theirs)), (sum(ours), sum(theirs))
    own, other = (count / size for count, size in zip(counts, sizes, strict=True))
    pooled = sum(counts) / sum(sizes)
    se = sqrt(own * (1 - own) / sizes[0] + other * (1 - other) / sizes[1])
    null = sqrt(pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1]))
    p, margin = erfc(abs(own - other) / null / sqrt(2)) if null else 1.0, Z_CONFIDENCE * se
    return Interval(own - other, own - other - margin, own - other + margin, se, sum(sizes), sum(sizes), p)
