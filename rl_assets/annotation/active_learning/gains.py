"""What the labels that came back taught, by the lane that chose them: accuracy gained per label, against `random`.

A head is fitted with and without a lane's labels and measured on pairs of validation and test that people decided. A
lane is compared with `random` at equal numbers of labels, since the first labels teach most; labels and held-out
clusters are both resampled, or a lucky handful of labels would look like a better lane.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_assets.annotation.active_learning.pairs import ComparedPair, Features, Labelled
from rl_assets.metrics.statistics import Interval, cluster_codes, holm, interval
from rl_assets.metrics.stratified import normal
from rl_assets.rewards.linear_head import fit_head
from rl_assets.tables.active_learning_queue import LANES, Lane

ALPHA = 0.05
MIN_HELD_OUT, MIN_LABELS = 50, 10
DRAWS = 100
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class LabelledItem:
    """A pair of the queue that people decided, and the lane that chose it."""

    lane: Lane
    pair: ComparedPair

    @classmethod
    def of(cls, row: Mapping[str, Any], first_better: float) -> "LabelledItem":
        """From a row of the queue and how much better its first answer is, in [0, 1]."""
        first, second = row["first_id"], row["second_id"]
        low_better = first_better if first < second else 1 - first_better
        low, high = sorted((first, second))
        return cls(row["lane"], ComparedPair(low, high, row["cluster_key"], "train", low_better))


@dataclass(frozen=True)
class LaneGain:
    """A lane's labels, the held-out accuracy that each of them gained, and the difference to `random` in accuracy after
    as many labels of each; None where it was not measured. `p` is adjusted for looking at all lanes."""

    lane: Lane
    labels: int
    per_label: float | None
    against_random: Interval | None
    p: float | None = None

    @property
    def is_worse(self) -> bool:
        """Whether the lane is significantly worse than `random`."""
        return self.against_random is not None and self.against_random.mean < 0 and (self.p or 0.0) < ALPHA


@dataclass(frozen=True)
class LaneReport:
    """The gains of all lanes; how right the head was on the labels of `random` before it saw them; why if there are no
    gains."""

    lanes: list[LaneGain]
    held_out: int
    accuracy_on_random: Interval | None
    not_measured: str | None


def report_lanes(items: Sequence[LabelledItem], compared: Sequence[ComparedPair], features: Features) -> LaneReport:
    """The report on labels that came back; `compared` are all decided pairs, those of the queue among them."""
    of_queue = {(item.pair.low_id, item.pair.high_id) for item in items}
    others = [pair for pair in compared if (pair.low_id, pair.high_id) not in of_queue]
    base = Labelled.of([pair for pair in others if pair.split == "train"], features)
    held_out = Labelled.of([pair for pair in others if pair.split in ("validation", "test")], features)
    by_lane = {lane: Labelled.of([item.pair for item in items if item.lane == lane], features) for lane in LANES}
    reason = _reason(by_lane, held_out)
    gains = [
        _counted(lane, labels) if reason else _gain(lane, by_lane, base, held_out) for lane, labels in by_lane.items()
    ]
    return LaneReport(_adjusted(gains), len(held_out), _on_random(base, by_lane["random"]), reason)


def _reason(by_lane: Mapping[Lane, Labelled], held_out: Labelled) -> str | None:
    labels = sum(map(len, by_lane.values()))
    if not labels:
        return "no label of the queue came back yet"
    if len(held_out) < MIN_HELD_OUT:
        return (
            f"people decided {len(held_out)} pairs of the validation and test splits, and {MIN_HELD_OUT} are needed to "
            "measure what labels teach"
        )
    return None


def _counted(lane: Lane, labels: Labelled) -> LaneGain:
    return LaneGain(lane, len(labels), None, None)


def _gain(lane: Lane, by_lane: Mapping[Lane, Labelled], base: Labelled, held_out: Labelled) -> LaneGain:
    labels, random = by_lane[lane], by_lane["random"]
    if not len(labels):
        return _counted(lane, labels)
    gained = _correct([base, labels], held_out).mean() - _correct([base], held_out).mean()
    shared = min(len(labels), len(random))
    against = None
    if lane != "random" and shared >= MIN_LABELS:
        rng = np.random.default_rng(0)
        draws = np.array([_difference(base, (labels, random), held_out, shared, rng) for _ in range(DRAWS)])
        against = normal(float(draws.mean()), float(draws.std(ddof=1)), shared)
    return LaneGain(lane, len(labels), float(gained / len(labels)), against)


def _difference(
    base: Labelled, sides: tuple[Labelled, Labelled], held_out: Labelled, size: int, rng: np.random.Generator
) -> float:
    """Accuracy with `size` labels of the first side minus that of the second, on drawn clusters."""
    ours, theirs = (_correct([base, _drawn(labels, size, rng)], held_out) for labels in sides)
    codes, clusters = cluster_codes(held_out.clusters)
    weights = rng.multinomial(clusters, np.full(clusters, 1 / clusters))[codes]
    return float(((ours - theirs) * weights).sum() / weights.sum())


def _drawn(labels: Labelled, size: int, rng: np.random.Generator) -> Labelled:
    """Labels drawn with replacement."""
    chosen = rng.integers(0, len(labels), size)
    return Labelled(labels.differences[chosen], labels.weights[chosen], [labels.clusters[place] for place in chosen])


def _correct(parts: Sequence[Labelled], held_out: Labelled) -> Vector:
    """Whether a head on all parts ranks each held-out pair as people did; a half where it does not rank it."""
    differences = np.concatenate([part.differences for part in parts])
    weights = np.concatenate([part.weights for part in parts])
    if not len(weights):
        return np.full(len(held_out), 0.5)
    scores = fit_head(differences, weights).scores(held_out.differences)
    return np.asarray((np.sign(scores) + 1) / 2, dtype=np.float64)


def _on_random(base: Labelled, labels: Labelled) -> Interval | None:
    """Accuracy on pairs that were drawn at random, of a head that has not seen them: no lane's choice biases it."""
    if not base.is_enough or not len(labels):
        return None
    return interval(_correct([base], labels), labels.clusters, share=True)


def _adjusted(gains: Sequence[LaneGain]) -> list[LaneGain]:
    tested = [
        (place, gain.against_random.p)
        for place, gain in enumerate(gains)
        if gain.against_random is not None and gain.against_random.p is not None
    ]
    p = dict(zip((place for place, _ in tested), holm([value for _, value in tested]), strict=True))
    return [
        LaneGain(gain.lane, gain.labels, gain.per_label, gain.against_random, p.get(place))
        for place, gain in enumerate(gains)
    ]
