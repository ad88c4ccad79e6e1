import numpy as np
import pytest

from rl_assets.metrics.rank_correlation import spearman
from rl_assets.rewards.calibration import (
    calibrate,
    calibration_error,
    cross_calibrated,
    flat_share,
    from_preferences,
    monotonicity,
)
from rl_assets.rewards.length_residual import length_slope

RNG = np.random.default_rng(5)


def rated(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores on a scale of their own, and ratings of 0, 1/3, 2/3 or 1 that rise with them."""
    scores = RNG.normal(3, 2, size)
    chance = 1 / (1 + np.exp(-(scores - 2)))
    return scores, np.round(3 * np.clip(chance + RNG.normal(0, 0.15, size), 0, 1)) / 3


@pytest.mark.parametrize(("size", "method"), [(299, "platt"), (300, "isotonic")])
def test_few_ratings_get_a_sigmoid_and_many_a_step_function(size: int, method: str):
    scores, ratings = rated(size)
    found = calibrate(scores, ratings)
    assert found.method == method
    values = found.values(np.sort(scores))
    assert (np.diff(values) >= 0).all() and values.min() >= 0 and values.max() <= 1
    assert all(a < b for (a, _), (b, _) in zip(found.knots, found.knots[1:], strict=False))


@pytest.mark.parametrize("size", [200, 600])
def test_values_mean_what_ratings_mean(size: int):
    scores, ratings = rated(size)
    names = [str(number // 2) for number in range(size)]
    plain = 1 / (1 + np.exp(-(scores - np.median(scores))))
    assert calibration_error(cross_calibrated(scores, ratings, names), ratings) < 0.06
    assert calibration_error(plain, ratings) > 0.1


def test_scores_that_say_nothing_get_one_value_and_are_flat():
    ratings = np.tile([0.0, 1.0], 50)
    found = calibrate(-ratings, ratings)
    assert np.ptp(found.values(np.linspace(-2, 2, 9))) == 0
    assert flat_share(found, -ratings) == 1


def test_equal_ratings_give_a_flat_value():
    scores = RNG.normal(size=100)
    assert np.ptp(calibrate(scores, np.full(100, 0.5)).values(scores)) < 0.01


def test_the_share_of_scores_that_gain_nothing():
    found = calibrate(np.arange(400.0), np.repeat([0.0, 0.0, 0.5, 1.0], 100))
    assert flat_share(found, np.arange(400.0)) > 0.9
    scores, ratings = rated(250)
    assert flat_share(calibrate(scores, ratings), scores) < 0.3


def test_preferences_alone_give_the_chance_to_beat_the_median_answer():
    scores = np.array([-2.0, 0.0, 1.0, 2.0, 5.0])
    values = from_preferences(scores).values(scores)
    assert values[2] == pytest.approx(0.5)
    assert values[3] == pytest.approx(1 / (1 + np.exp(-1)), abs=0.005)


def test_rising_means_are_monotone_and_falling_ones_are_not():
    assert monotonicity(np.arange(100.0), np.arange(100.0) / 100) == 1
    assert monotonicity(np.arange(100.0), 1 - np.arange(100.0) / 100) == 0


def test_two_ratings_are_needed():
    with pytest.raises(ValueError, match="1 scores and 1 ratings"):
        calibrate(np.array([1.0]), np.array([1.0]))


def test_spearman_is_that_of_scipy_with_ties():
    from scipy.stats import spearmanr

    one, other = RNG.integers(0, 5, 80), RNG.integers(0, 5, 80)
    assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert spearman([1, 1, 1], [1, 2, 3]) == 0


def test_without_its_length_slope_a_score_does_not_go_with_length():
    lengths = RNG.normal(5, 1, 300)
    scores = 0.8 * lengths + RNG.normal(0, 0.5, 300)
    slope = length_slope(scores, lengths)
    assert spearman(scores, lengths) > 0.7
    assert abs(spearman(scores - slope * lengths, lengths)) < 0.01
    assert length_slope(np.ones(5), np.arange(5.0)) == 0
