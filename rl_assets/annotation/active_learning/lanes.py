"""Who chooses what people are asked about: four lanes with a quota each, and how each ranks candidates.

- `random` draws by a hash that no answer can influence: metrics of it alone are unbiased.
- `disagreement` takes what judges, rewards and people contradict one another about.
- `informative` takes what the heads of an ensemble disagree about: the mutual information of a label and the head
  (BALD, Houlsby et al. 2011, arXiv:1112.5745). "Nearest to p = 0.5" is not used: many such pairs are coin tosses.
- `optimistic` takes the largest upper confidence bound of the gap between two answers: clear pairs teach early.

The last three take one item per cluster of prompts. Slots that a lane cannot fill go to the next one that can.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rl_assets.rewards.linear_head import LinearHead
from rl_assets.tables.active_learning_queue import LANES, Lane

BATCH = 50
SHARES: Mapping[Lane, float] = {"random": 0.2, "disagreement": 0.3, "informative": 0.3, "optimistic": 0.2}
MIN_DISTANCE = 0.1
# Standard deviations of the ensemble above its mean: the upper end of a two-sided 95 % interval.
OPTIMISM = 1.96
Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """A pair of answers, or one answer alone, that people may be asked about; `draw` orders candidates at random.

    `strength` is how far its `signals` are apart, 0 without one. `is_rated`: people rated both answers apart.
    """

    key: str
    cluster: str
    draw: str
    is_pair: bool = True
    signals: tuple[str, ...] = ()
    strength: float = 0.0
    is_rated: bool = False


@dataclass(frozen=True)
class Estimates:
    """What the heads say of candidates (n): mean probability that the first is better and its standard deviation, the
    information of a label in nats (BALD), the upper bound of the gap, and directions of differences (n x features)."""

    p: Vector
    sd: Vector
    information: Vector
    bound: Vector
    directions: Matrix


@dataclass(frozen=True)
class Choice:
    """An item that enters the queue: the index of its candidate, the lane, its score there, and why."""

    index: int
    lane: Lane
    score: float
    reasons: tuple[str, ...]


def quotas(batch: int) -> dict[Lane, int]:
    """Slots of each lane; what rounding leaves goes to the lanes with the largest remainders. 50 is 10, 15, 15, 10."""
    exact = {lane: SHARES[lane] * batch for lane in LANES}
    slots = {lane: int(exact[lane] + 1e-9) for lane in LANES}
    for lane in sorted(LANES, key=lambda lane: slots[lane] - exact[lane])[: batch - sum(slots.values())]:
        slots[lane] += 1
    return slots


def estimate(heads: Sequence[LinearHead], differences: Matrix) -> Estimates:
    """What the ensemble says of pairs, from differences of features (pairs x features), first minus second."""
    margins = np.stack([head.scores(differences) for head in heads], axis=1)
    chances = 1 / (1 + np.exp(-np.clip(margins, -500, 500)))
    p = chances.mean(axis=1)
    information = np.maximum(0.0, _entropy(p) - _entropy(chances).mean(axis=1))
    bound = np.abs(margins.mean(axis=1)) + OPTIMISM * margins.std(axis=1)
    return Estimates(p, chances.std(axis=1), information, bound, _directions(differences))


def _entropy(p: Matrix) -> Matrix:
    """Of a coin with probability p, in nats."""
    safe = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(-(safe * np.log(safe) + (1 - safe) * np.log(1 - safe)), dtype=np.float64)


def choose(
    candidates: Sequence[Candidate],
    estimates: Estimates | None,
    slots: Mapping[Lane, int],
    busy_clusters: Sequence[str] = (),
) -> list[Choice]:
    """Fill the slots; `estimates` are parallel to the candidates, None if no head can be fitted yet.

    `busy_clusters` have an item in the queue already. Without heads, the slots of `informative` and `optimistic` go to
    `random`, which teaches most while little is known.
    """
    picker = _Picker(candidates, estimates, Counter(busy_clusters))
    left = dict(slots)
    for lane in LANES:
        left[lane] -= picker.fill(lane, left[lane])
    unused = sum(left.values())
    for lane in ("informative", "optimistic", "disagreement"):
        unused -= picker.fill(lane, unused, min_distance=0.0) if unused else 0
    if estimates is None:
        unused -= picker.fill("random", unused)
    picker.fill_with_singles(unused)
    return picker.chosen


@dataclass
class _Picker:
    candidates: Sequence[Candidate]
    estimates: Estimates | None
    clusters: Counter[str]
    chosen: list[Choice] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    def fill(self, lane: Lane, slots: int, min_distance: float = MIN_DISTANCE) -> int:
        """Give up to `slots` pairs to a lane; how many it got."""
        before = len(self.chosen)
        for index, score in self._ranked(lane):
            if len(self.chosen) - before >= slots:
                break
            if lane == "random" or self._is_new(index, min_distance if lane == "informative" else 0.0):
                self._take(Choice(index, lane, score, self._reasons(lane, index)))
        return len(self.chosen) - before

    def fill_with_singles(self, slots: int) -> None:
        """Where pairs run out: answers to rate, those that judges contradict first, the others at random."""
        singles = [index for index, one in enumerate(self.candidates) if not one.is_pair and index not in self.used]
        ranked = sorted(singles, key=lambda index: (-self.candidates[index].strength, self.candidates[index].draw))
        for index in ranked[: max(0, slots)]:
            one = self.candidates[index]
            lane: Lane = "disagreement" if one.strength else "random"
            self._take(Choice(index, lane, one.strength, one.signals or ("random",)))

    def _take(self, choice: Choice) -> None:
        self.chosen.append(choice)
        self.used.add(choice.index)
        self.clusters[self.candidates[choice.index].cluster] += 1

    def _ranked(self, lane: Lane) -> Iterator[tuple[int, float]]:
        """Pairs that the lane may take, best first, with their scores; equal ones by their draw."""
        score = self._scores(lane)
        if score is None:
            return
        pairs = [index for index, one in enumerate(self.candidates) if one.is_pair and index not in self.used]
        if lane == "disagreement":
            pairs = [index for index in pairs if self.candidates[index].strength > 0]
        else:
            pairs = [index for index in pairs if not self.candidates[index].is_rated]
        for index in sorted(pairs, key=lambda index: (-score(index), self.candidates[index].draw)):
            yield index, score(index)

    def _scores(self, lane: Lane) -> Callable[[int], float] | None:
        if lane == "random":
            return lambda index: 0.0
        if lane == "disagreement":
            return lambda index: self.candidates[index].strength
        if self.estimates is None:
            return None
        values = self.estimates.information if lane == "informative" else self.estimates.bound
        return lambda index: float(values[index])

    def _reasons(self, lane: Lane, index: int) -> tuple[str, ...]:
        named: dict[Lane, tuple[str, ...]] = {
            "random": ("random",),
            "disagreement": self.candidates[index].signals,
            "informative": ("heads_disagree",),
            "optimistic": ("gap_may_be_large",),
        }
        return named[lane]

    def _is_new(self, index: int, min_distance: float) -> bool:
        """Whether no item of its cluster is in the queue, and none that asks nearly the same of the heads."""
        if self.clusters[self.candidates[index].cluster]:
            return False
        return min_distance <= 0 or self.estimates is None or self._distance(index) >= min_distance

    def _distance(self, index: int) -> float:
        """1 - |cosine| to the nearest item of the informative lane: a pair and its reverse are one question."""
        assert self.estimates is not None
        others = [choice.index for choice in self.chosen if choice.lane == "informative"]
        if not others:
            return 1.0
        return float(1 - np.abs(self.estimates.directions[others] @ self.estimates.directions[index]).max())


def _directions(differences: Matrix) -> Matrix:
    """Unit vectors (n x features) of differences, each feature divided by its root mean square; zeros stay zeros."""
    spread = np.sqrt((differences**2).mean(axis=0)) if len(differences) else np.ones(differences.shape[1])
    scaled = differences / np.where(spread > 0, spread, 1.0)
    return np.asarray(scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-12), dtype=np.float64)
