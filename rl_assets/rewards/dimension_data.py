"""What a head of one dimension learns from: answers, their ratings by one source, and pairs of answers to a prompt."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

# A difference of ratings from which a pair counts in full.
FULL_MARGIN = 0.25
# Answers to one prompt that pairs are made of, evenly over their ratings: pairs grow with the square of the answers.
MAX_ANSWERS = 16
HELD_OUT = ("validation", "test")


@dataclass(frozen=True)
class Answer:
    """A text that answered a prompt; `unit` is what it is dependent within (session, prompt cluster)."""

    prompt_key: str
    prompt: str
    text: str
    context: str | None
    split: str
    unit: str


@dataclass(frozen=True)
class Rating:
    """What one source says of the answer at an index: the mean, and the value of each rater."""

    answer: int
    value: float
    by_rater: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """Indices of two answers to one prompt, and how much better the first one is, in (0, 1]."""

    better: int
    worse: int
    margin: float

    @property
    def weight(self) -> float:
        """How much it counts in training."""
        return min(1.0, self.margin / FULL_MARGIN)


@dataclass(frozen=True)
class DimensionData:
    """Ratings and pairs of one dimension by one source."""

    dimension: str
    source: str
    ratings: tuple[Rating, ...]
    pairs: tuple[Pair, ...]

    def pairs_in(self, answers: Sequence[Answer], splits: Iterable[str]) -> list[Pair]:
        """The pairs of these splits; both answers have the split of their prompt."""
        wanted = set(splits)
        return [pair for pair in self.pairs if answers[pair.better].split in wanted]


@dataclass(frozen=True)
class PairTable:
    """Pairs as columns, all of one length: indices of answers, margins, weights, and the cluster of each."""

    better: NDArray[np.int64]
    worse: NDArray[np.int64]
    margin: NDArray[np.float64]
    weight: NDArray[np.float64]
    clusters: tuple[str, ...]

    @classmethod
    def of_pairs(cls, pairs: Sequence[Pair], answers: Sequence[Answer]) -> "PairTable":
        return cls(
            np.array([pair.better for pair in pairs], dtype=np.int64),
            np.array([pair.worse for pair in pairs], dtype=np.int64),
            np.array([pair.margin for pair in pairs], dtype=np.float64),
            np.array([pair.weight for pair in pairs], dtype=np.float64),
            tuple(answers[pair.better].unit for pair in pairs),
        )

    def __len__(self) -> int:
        return len(self.clusters)

    def rows(self, mask: NDArray[np.bool_]) -> "PairTable":
        """The pairs that the mask selects."""
        names = tuple(name for name, kept in zip(self.clusters, mask, strict=True) if kept)
        return PairTable(self.better[mask], self.worse[mask], self.margin[mask], self.weight[mask], names)

    def differences(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Features of the better answer minus those of the worse; 0 where one of them is unknown."""
        return np.nan_to_num(features[self.better] - features[self.worse], nan=0.0)


def pairs_of_ratings(ratings: Sequence[Rating], answers: Sequence[Answer]) -> list[Pair]:
    """Each two answers to one prompt of which one is rated higher."""
    by_prompt: dict[str, list[Rating]] = defaultdict(list)
    for rating in ratings:
        by_prompt[answers[rating.answer].prompt_key].append(rating)
    return [
        Pair(high.answer, low.answer, high.value - low.value)
        for group in by_prompt.values()
        for high, low in combinations(_spread(group), 2)
        if high.value > low.value
    ]


def _spread(group: list[Rating]) -> list[Rating]:
    """The ratings from the best down; of many, MAX_ANSWERS evenly over their order."""
    ordered = sorted(group, key=lambda rating: (-rating.value, rating.answer))
    if len(ordered) <= MAX_ANSWERS:
        return ordered
    return [ordered[index] for index in np.linspace(0, len(ordered) - 1, MAX_ANSWERS).round().astype(int)]


def joined_units(sessions: Sequence[str], clusters: Sequence[str]) -> list[str]:
    """A name per row such that rows of one session or one prompt cluster share it: what folds and intervals draw."""
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while parents.setdefault(name, name) != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    names = [(f"session {session}", f"cluster {cluster}") for session, cluster in zip(sessions, clusters, strict=True)]
    for session, cluster in names:
        one, other = sorted((root(session), root(cluster)))
        parents[other] = one
    return [root(session) for session, _ in names]
