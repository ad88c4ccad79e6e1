"""Means, differences and slopes that share one bootstrap, against what is known of them."""

import numpy as np
import pytest

from rl_assets.evaluation.self_analysis.resampling import Resampled, slope
from rl_assets.evaluation.self_analysis.words import reason_words


def test_five_equal_ratings_are_no_certainty_and_weak_all_the_same():
    found = Resampled([0.2] * 5 + [0.9] * 5, [f"c{n}" for n in range(10)], [np.arange(10) < 5]).mean(0)
    assert found.mean == pytest.approx(0.2) and found.low is not None and found.high is not None
    assert found.low < 0.15 and 0.25 < found.high < 0.4


def test_five_thumbs_down_may_be_chance():
    found = Resampled([0.0] * 5 + [1.0] * 5, [f"c{n}" for n in range(10)], [np.arange(10) < 5]).mean(0)
    assert found.high is not None and found.high > 0.4


def test_answers_of_one_cluster_show_no_spread():
    found = Resampled([0.1, 0.9, 0.5, 0.5], ["c", "c", "d", "e"], [np.array([True, True, False, False])])
    assert found.mean(0).low is None and found.difference_to_rest(0, -1) is None


def test_intervals_of_a_difference_cover_the_truth_as_often_as_they_say():
    """Groups of 40 clusters whose means are equal: 95 % of 200 intervals hold 0, give or take."""
    rng, covered = np.random.default_rng(0), 0
    mask = np.arange(80) < 40
    for _ in range(200):
        found = Resampled(rng.uniform(size=80).tolist(), [f"c{n}" for n in range(80)], [mask, ~mask]).difference(0, 1)
        assert found is not None and found.low is not None and found.high is not None
        covered += found.low <= 0 <= found.high
    assert 180 <= covered <= 198


def test_a_slope_is_found_and_none_where_nothing_varies():
    x = np.linspace(0, 5, 60)
    y = 0.2 + 0.1 * x + np.random.default_rng(0).normal(0, 0.05, 60)
    names = [f"c{n}" for n in range(60)]
    found = slope(x.tolist(), y.tolist(), names)
    assert found is not None and found.low is not None and found.high is not None
    assert found.low < 0.1 < found.high and found.mean == pytest.approx(0.1, abs=0.02)
    assert slope([1.0] * 60, y.tolist(), names) is None


def test_a_word_of_one_person_is_never_named():
    comments = [{"comment": "outdated link", "person": f"p{n}", "is_negative": True} for n in range(20)]
    comments += [{"comment": "thanks a lot", "person": f"q{n}", "is_negative": False} for n in range(20)]
    comments += [{"comment": "Zarquon wrote this", "person": "p0", "is_negative": True} for _ in range(9)]
    names = [word.word for word in reason_words(comments)]
    assert names[:2] == ["link", "outdated"] and "zarquon" not in names and "thanks" not in names
