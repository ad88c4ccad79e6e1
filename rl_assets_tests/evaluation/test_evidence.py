"""Evidence: a bet that grows where ours is better, never counts a cluster twice, and may be looked at every night."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from rl_assets.evaluation.promotion.evidence import (
    STAKES,
    clusters_to_show,
    lower_bound,
    night_of,
    vary_as_a_whole,
    weigh,
)
from rl_assets.evaluation.promotion.nights import counted_once, night_table
from rl_assets.evaluation.schema.evidence import ClusterDifference
from rl_assets_tests.support.evaluation_samples import evidence_of_nights

FIRST = date(2026, 10, 14)


def value(differences) -> float:
    return weigh([night_of(differences)]).value


def test_the_value_is_the_mean_over_the_stakes_of_the_product_of_the_bets():
    differences = np.array([1.0, -0.5, 0.25, 0.0])
    expected = np.mean([np.prod(1 + stake * differences) for stake in STAKES])
    assert value(differences) == pytest.approx(expected, rel=1e-12)


def test_the_demos_86_clusters_without_a_loss_are_beyond_doubt():
    assert value(np.ones(86)) > 1e11


def test_neither_the_order_of_clusters_nor_their_division_into_nights_matters():
    drawn = np.random.default_rng(0).uniform(-1, 1, 300)
    nights = [night_of(part) for part in np.array_split(drawn[::-1], 7)]
    assert weigh(nights).value == pytest.approx(value(drawn), rel=1e-9)


@pytest.mark.parametrize("wrong", [1.01, -1.01, np.nan])
def test_a_difference_outside_its_range_is_refused(wrong):
    with pytest.raises(ValueError, match=r"numbers in \[-1, 1\]"):
        night_of([0.0, wrong])


def test_without_a_cluster_there_is_no_evidence():
    found = weigh([night_of([])])
    assert (found.value, found.clusters, found.mean, found.nights_left) == (1.0, 0, None, None)
    assert lower_bound([], 20) == -1.0


def test_the_lower_bound_is_where_the_bet_on_what_is_above_it_reaches_the_threshold():
    drawn = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], 500, p=[0.1, 0.7, 0.2])
    bound = lower_bound(drawn, 20)
    assert 0 < bound < drawn.mean()
    assert value(np.clip((drawn - bound) / (1 + bound), -1, 1)) == pytest.approx(20, rel=1e-6)
    assert (bound > 0) == (value(drawn) >= 20)


@pytest.mark.slow  # Several seconds of CPU.
def test_the_bound_of_equal_models_holds_at_every_night_in_most_years():
    """Ville: the mean ever lies below the bound with a probability of at most 5 %."""
    broken = 0
    for seed in range(100):
        drawn = np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], (40, 25), p=[0.15, 0.7, 0.15])
        broken += any(lower_bound(drawn[:night].ravel(), 20) > 0 for night in range(1, 41))
    assert broken <= 10


def test_evidence_against_begins_anew_after_it_was_shown():
    lost, even = night_of([-1.0] * 15), night_of([0.0] * 15)
    assert weigh([lost]).rejected_tonight
    after = weigh([lost, even])
    assert not after.rejected_tonight and after.opposite == pytest.approx(1.0)
    assert weigh([lost, even, lost]).rejected_tonight


def test_the_latest_nights_are_as_few_as_hold_enough_clusters():
    nights = [night_of([-1.0] * 4), night_of([0.0] * 6), night_of([1.0] * 5), night_of([1.0] * 4)]
    found = weigh(nights, own_clusters=10)
    assert (found.tonight, found.latest, found.latest_nights, found.latest_mean) == (4, 15, 3, 0.6)
    assert (weigh(nights, own_clusters=4).latest, weigh(nights, own_clusters=99).latest) == (4, 19)
    assert weigh([*nights, night_of([])]).tonight == 0


def test_nights_that_differ_as_a_whole_count_once_each():
    rng = np.random.default_rng(2)
    moods = [night_of(np.clip(rng.normal(mood, 0.2, 40), -1, 1)) for mood in rng.choice([-0.3, 0.35], 20)]
    assert vary_as_a_whole(moods)
    found = weigh(moods)
    assert found.by_night and found.clusters == 800 and found.value < 20
    assert not vary_as_a_whole([night_of(rng.normal(0.02, 0.2, 40).clip(-1, 1)) for _ in range(20)])
    assert not vary_as_a_whole(moods[:9])


def test_the_nights_left_come_from_the_mean_and_the_spread():
    nights = [night_of([1.0] * 6 + [-1.0] * 4 + [0.0] * 30) for _ in range(3)]
    needed = clusters_to_show(0.05, 0.25 - 0.05**2)
    assert needed == pytest.approx(1.25 * 2 * np.log(20) * 0.2475 / 0.0025)
    assert weigh(nights).nights_left == np.ceil((needed - 120) / 40)


def rows(values: dict[str, float], **changes) -> list[ClusterDifference]:
    return [ClusterDifference(cluster=name, difference=d, source="test", **changes) for name, d in values.items()]


def test_a_cluster_counts_on_the_first_night_that_asked_it():
    nights = {FIRST: rows({"a": 1.0, "b": 0.0}), FIRST + timedelta(1): rows({"a": -1.0, "c": 1.0})}
    counted = counted_once(pa.concat_tables(night_table(day, night) for day, night in nights.items()))
    assert (np.diff(counted.nights).tolist(), counted.differences.tolist()) == ([0, 1], [0.0, 1.0, 1.0])
    found = evidence_of_nights(nights)
    assert (found.clusters, found.mean, found.tonight) == (3, pytest.approx(2 / 3), 1)


def test_a_night_without_a_new_cluster_rejects_nothing():
    lost = rows({f"c{n}": -1.0 for n in range(20)})
    assert evidence_of_nights({FIRST: lost}).rejected_tonight
    again = evidence_of_nights({FIRST: lost, FIRST + timedelta(1): lost})
    assert (again.rejected_tonight, again.tonight) == (False, 0)


def test_a_judge_that_prefers_the_longer_answer_gives_no_evidence_once_lengths_are_balanced():
    """Ours is longer in two of three pairs, equally good, and the judge follows length alone."""
    rng = np.random.default_rng(3)
    ratios = np.where(rng.random(900) < 2 / 3, 1, -1) * rng.uniform(0.05, 1.0, 900)
    judged = [
        ClusterDifference(cluster=f"c{n}", difference=float(np.sign(ratio)), source="fresh", log_length_ratio=ratio)
        for n, ratio in enumerate(ratios)
    ]
    assert evidence_of_nights({FIRST: judged}).value > 1e6
    found = evidence_of_nights({FIRST: judged}, judged=True)
    assert found.value < 20 and abs(found.mean) < 0.02 and found.unbalanced == 0


def test_pairs_in_which_ours_is_always_longer_cannot_be_balanced():
    judged = rows({f"c{n}": 1.0 for n in range(100)}, log_length_ratio=0.4)
    judged += rows({"equal": 1.0}, log_length_ratio=-0.3)
    found = evidence_of_nights({FIRST: judged}, judged=True)
    assert found.unbalanced > 0.9 and found.clusters <= 1
