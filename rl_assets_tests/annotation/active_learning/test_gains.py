"""What labels taught by lane, on a world whose right head is known."""

import numpy as np
import pytest

from rl_assets.annotation.active_learning.gains import LabelledItem, LaneGain, LaneReport, report_lanes
from rl_assets.annotation.active_learning.pairs import ComparedPair, Features

FEATURES = 6


def world(held_out: int, seed: int = 0) -> tuple[Features, np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(2 * (held_out + 400), FEATURES))
    right = rng.normal(size=FEATURES)
    return Features([f"a{n:05d}" for n in range(len(table))], table), rng, table @ right


def compared(place: int, split: str, better: bool) -> ComparedPair:
    return ComparedPair(f"a{2 * place:05d}", f"a{2 * place + 1:05d}", f"c{place}", split, float(better))


def report(wrong_lane: str | None, held_out: int = 120, labels: int = 60) -> LaneReport:
    """Labels of three lanes; those of one of them say the opposite of the truth."""
    features, _, scores = world(held_out)
    is_better = [scores[2 * place] > scores[2 * place + 1] for place in range(len(scores) // 2)]
    pairs = [compared(place, "test", is_better[place]) for place in range(held_out)]
    items = []
    for number, lane in enumerate(("random", "informative", "optimistic")):
        for place in range(held_out + number * labels, held_out + (number + 1) * labels):
            pair = compared(place, "train", is_better[place] != (lane == wrong_lane))
            items.append(LabelledItem(lane, pair))
    return report_lanes(items, [*pairs, *(item.pair for item in items)], features)


def lane(found: LaneReport, name: str) -> LaneGain:
    (gain,) = [gain for gain in found.lanes if gain.lane == name]
    return gain


def test_labels_that_say_the_truth_gain_accuracy_in_each_lane_and_none_is_worse():
    found = report(None)
    assert found.not_measured is None and not any(gain.is_worse for gain in found.lanes)
    for name in ("random", "informative", "optimistic"):
        gained = lane(found, name).per_label
        assert gained is not None and 0.3 < 60 * gained < 0.5, "from 0.5, as no head is known before them"
    assert (lane(found, "disagreement").labels, lane(found, "disagreement").per_label) == (0, None)


def test_a_lane_whose_labels_are_wrong_is_worse_than_random():
    found = report("informative")
    assert lane(found, "informative").is_worse and not lane(found, "optimistic").is_worse
    against = lane(found, "informative").against_random
    assert against is not None and against.mean < -0.5


@pytest.mark.parametrize(("held_out", "labels", "reason"), [(40, 60, "people decided 40 pairs"), (120, 0, "no label")])
def test_where_nothing_can_be_measured_the_report_says_why(held_out, labels, reason):
    found = report("informative", held_out, labels)
    assert found.not_measured is not None and reason in found.not_measured
    assert not any(gain.is_worse for gain in found.lanes)


def test_few_labels_of_a_lane_are_compared_with_nothing():
    assert all(gain.against_random is None for gain in report("informative", labels=9).lanes)
