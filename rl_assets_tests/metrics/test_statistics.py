import numpy as np
import pytest
from scipy.stats import binomtest

from rl_assets.metrics.statistics import (
    clusters_needed,
    exact_if_all_agree,
    holm,
    interval,
    median_interval,
    minimum_detectable_effect,
    rate_difference,
    wilson,
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


def test_wilsons_interval_is_that_of_scipy_and_keeps_its_width_where_all_agree():
    for successes, n in ((0, 5), (7, 9), (219, 400), (400, 400)):
        known = binomtest(successes, n).proportion_ci(method="wilson")
        found = wilson(successes, n)
        assert (found.mean, found.low, found.high) == pytest.approx((successes / n, known.low, known.high), abs=1e-6)
    with pytest.raises(ValueError, match="a share of nothing"):
        wilson(0, 0)


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


def test_holms_correction_is_that_of_the_worked_example():
    """Four hypotheses at 0.01, 0.04, 0.03, 0.005: 4 x 0.005, 3 x 0.01, 2 x 0.03, then never below a smaller one's."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_keeps_the_family_wise_error_where_single_tests_do_not():
    rng = np.random.default_rng(0)
    families = rng.random((2000, 10))
    single = (families < 0.05).any(axis=1).mean()
    corrected = np.mean([min(holm(list(row))) < 0.05 for row in families])
    assert single > 0.3
    assert corrected < 0.065


def test_a_p_value_is_below_5_percent_where_the_interval_leaves_out_0():
    rng = np.random.default_rng(2)
    for shift in np.linspace(0, 0.5, 21):
        found = interval(rng.normal(shift, 1.0, 60), names(60), resamples=2000, against_zero=True)
        assert found.p is not None
        assert abs(found.p - 0.05) < 0.002 or (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_p_values_of_no_difference_are_spread_evenly():
    from scipy.stats import kstest

    rng = np.random.default_rng(3)
    found = [interval(rng.normal(0, 1, 80), names(80), resamples=400, against_zero=True).p for _ in range(300)]
    assert kstest(found, "uniform").pvalue > 0.01


def test_figures_that_are_no_differences_have_no_p_value():
    assert interval([1.0, 0.0, 1.0], ["a", "b", "c"]).p is None
    assert interval([1.0, 1.0], ["a", "a"], against_zero=True).p is None
    assert interval([0.0] * 5, names(5), against_zero=True).p == 1.0


def test_the_difference_of_two_rates_is_that_of_whole_clusters_drawn_one_by_one():
    rng = np.random.default_rng(5)
    right, tokens = rng.integers(0, 2, (2, 90)).astype(float), rng.integers(1, 30, (2, 90)).astype(float)
    found = rate_difference((right[0], tokens[0]), (right[1], tokens[1]), names(90, 3))
    groups = np.arange(90).reshape(30, 3)
    draws = []
    for _ in range(4000):
        rows = groups[rng.integers(0, 30, 30)].ravel()
        draws.append(right[0, rows].sum() / tokens[0, rows].sum() - right[1, rows].sum() / tokens[1, rows].sum())
    assert found.mean == pytest.approx(right[0].sum() / tokens[0].sum() - right[1].sum() / tokens[1].sum())
    assert (found.n, found.clusters, found.se) == (90, 30, pytest.approx(np.std(draws), rel=0.06))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.3 * np.std(draws))


def test_a_rate_does_not_differ_from_itself():
    side = ([1.0, 0.0, 1.0], [3.0, 5.0, 2.0])
    found = rate_difference(side, side, ["a", "b", "c"])
    assert (found.mean, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(("right", "low", "high"), [(86, 0.958, 1.0), (0, 0.0, 0.042)])
def test_a_share_on_which_all_clusters_agree_has_an_exact_interval(right: int, low: float, high: float):
    values = [1.0] * right + [0.0] * (86 - right)
    found = interval(values, [f"c{row}" for row in range(86)], share=True)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))
    assert found.mean == right / 86
    assert found.se is not None and found.se > 0


def test_answers_to_one_prompt_that_all_agree_count_once():
    twice = interval([1.0] * 172, [f"c{row // 2}" for row in range(172)], share=True)
    assert (twice.low, twice.n, twice.clusters) == (pytest.approx(0.958, abs=5e-4), 172, 86)


def test_ties_that_all_agree_are_as_wide_as_that_many_coins():
    tied = interval([0.5] * 20, [f"c{row}" for row in range(20)], share=True)
    assert (tied.low, tied.high) == (pytest.approx(0.272, abs=5e-4), pytest.approx(0.728, abs=5e-4))


def test_other_values_that_all_agree_keep_their_width():
    same = interval([-2.0] * 9, [f"c{row}" for row in range(9)])
    assert (same.low, same.high) == (-2.0, -2.0)


def test_a_difference_of_1_on_all_clusters_is_as_certain_as_their_number_allows():
    won = exact_if_all_agree(interval([1.0] * 86, names(86), against_zero=True), 1.0)
    assert (won.mean, won.low, won.high) == (1.0, pytest.approx(0.916, abs=5e-4), 1.0)
    few = exact_if_all_agree(interval([1.0] * 3, names(3), against_zero=True), 1.0)
    assert few.low == pytest.approx(-0.415, abs=5e-4) and few.p == 0.25


def test_that_no_answer_changed_does_not_show_that_none_will():
    same = exact_if_all_agree(interval([0.0] * 86, names(86), against_zero=True), 1.0)
    assert (same.low, same.high, same.p) == (pytest.approx(-0.042, abs=5e-4), pytest.approx(0.042, abs=5e-4), 1.0)
    assert exact_if_all_agree(interval([0.0] * 86, names(86), against_zero=True), None).high == 0.0
    spread = interval([1.0, 0.0, 1.0, 1.0], names(4), against_zero=True)
    assert exact_if_all_agree(spread, 1.0) == spread
