import numpy as np
import pytest

from rl_assets.evaluation.statistics import (
    clusters_needed,
    interval,
    median_interval,
    minimum_detectable_effect,
)


def names(count: int, each: int = 1) -> list[str]:
    return [f"c{i // each}" for i in range(count)]


def test_an_interval_agrees_with_scipys_percentile_bootstrap():
    from scipy.stats import bootstrap

    values = np.random.default_rng(3).normal(0.4, 1.0, 120)
    found = interval(values, names(120))
    theirs = bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1))
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=0.01)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=0.01)
    assert found.se == pytest.approx(values.std(ddof=1) / np.sqrt(120), rel=0.03)


def test_clustered_data_give_a_wider_interval_than_the_same_data_taken_as_independent():
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(0, 1, 30), 8) + rng.normal(0, 0.1, 240)
    clustered, naive = interval(values, names(240, 8)), interval(values, names(240))
    assert clustered.clusters == 30
    assert naive.clusters == clustered.n == 240
    assert clustered.high - clustered.low > 2 * (naive.high - naive.low)


def test_about_95_of_100_intervals_hold_the_true_mean():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        found = interval(np.repeat(rng.normal(1.0, 2.0, 60), 3), names(180, 3), resamples=1000)
        held += found.low <= 1.0 <= found.high
    assert 180 <= held <= 198


def test_weights_make_it_a_ratio_of_sums():
    found = interval([2.0, 30.0, 8.0], ["a", "b", "c"], weights=[1.0, 10.0, 4.0])
    assert found.mean == pytest.approx(40 / 15)
    assert 2.0 <= found.low <= found.mean <= found.high <= 3.0


def test_one_cluster_has_an_estimate_and_no_interval():
    found = interval([1.0, 0.0], ["a", "a"])
    assert (found.mean, found.low, found.high, found.se, found.clusters) == (0.5, None, None, None, 1)
    assert clusters_needed(found) is None


def test_no_values_is_an_error():
    with pytest.raises(ValueError, match="no values"):
        interval([], [])
    with pytest.raises(ValueError, match="no values"):
        median_interval([])


def test_a_value_that_is_not_finite_is_an_error():
    with pytest.raises(ValueError, match="1 of 2 values are not finite"):
        interval([1.0, float("nan")], ["a", "b"])


def test_the_same_values_give_the_same_interval_in_any_order():
    values = np.random.default_rng(0).random(50)
    order = np.random.default_rng(1).permutation(50)
    first = interval(values, names(50))
    again = interval(values[order], [names(50)[i] for i in order])
    assert (first.low, first.high) == pytest.approx((again.low, again.high), rel=1e-12)
    assert interval(values, names(50)) == first


def test_the_median_interval_ignores_one_wild_value():
    found = median_interval([*np.linspace(0.98, 1.02, 23), 50.0])
    assert 0.98 < found.low < found.mean < found.high < 1.02


def test_the_detectable_effect_is_found_in_80_of_100_samples():
    rng, clusters, sd = np.random.default_rng(7), 100, 0.5
    effect = minimum_detectable_effect(sd / np.sqrt(clusters))
    assert effect == pytest.approx(2.8016 * 0.05, rel=1e-4)
    found = sum(interval(rng.normal(effect, sd, clusters), names(clusters), resamples=1000).low > 0 for _ in range(200))
    assert 145 <= found <= 178


def test_half_the_effect_needs_four_times_the_clusters():
    values = np.random.default_rng(0).normal(0, 1, 100)
    centred = values - values.mean()
    strong, weak = interval(centred + 0.2, names(100)), interval(centred + 0.1, names(100))
    assert clusters_needed(weak) == pytest.approx(4 * clusters_needed(strong), rel=0.01)


def test_no_difference_at_all_takes_no_number_of_clusters():
    assert clusters_needed(interval([0.0] * 60, names(60))) is None
