"""Stratified estimates against what they estimate."""

import pytest

from rl_assets.metrics.stratified import Stratum, clipped_to_unit, stratified, stratified_difference


def test_a_stratified_mean_weights_categories_by_the_mix_and_not_by_what_was_asked():
    found = stratified([Stratum("easy", 3, 100, 0.9, 0.01), Stratum("hard", 1, 10, 0.1, 0.04)])
    assert found.mean == pytest.approx(0.7)
    assert found.se == pytest.approx((0.75**2 * 0.01 / 100 + 0.25**2 * 0.04 / 10) ** 0.5)
    assert found.p is not None and found.p < 0.001


def test_the_stratified_interval_holds_the_truth_in_about_95_of_100_samples():
    import numpy as np

    rng, held = np.random.default_rng(0), 0
    for _ in range(300):
        sides = [rng.normal(mean, 0.3, n) for mean, n in ((0.8, 40), (0.3, 15))]
        strata = [
            Stratum(str(k), w, len(s), s.mean(), s.var(ddof=1))
            for k, (s, w) in enumerate(zip(sides, (1, 2), strict=True))
        ]
        found = stratified(strata)
        held += found.low <= (0.8 + 2 * 0.3) / 3 <= found.high
    assert 270 <= held <= 294


def test_single_scores_give_a_mean_without_interval():
    found = stratified([Stratum("a", 1, 1, 0.5, 0.0)])
    assert (found.mean, found.low, found.p) == (0.5, None, None)
    difference = stratified_difference([Stratum("a", 1, 1, 0.5, 0.0)], [Stratum("a", 1, 9, 0.2, 0.1)])
    assert difference is not None and difference.low is None and difference.mean == pytest.approx(0.3)
    assert stratified_difference([Stratum("a", 1, 1, 0.5, 0.0)], [Stratum("b", 1, 1, 0.5, 0.0)]) is None
    with pytest.raises(ValueError, match="nothing to estimate"):
        stratified([])


def test_scores_that_are_all_alike_have_an_exact_interval():
    best = clipped_to_unit(stratified([Stratum("a", 1, 60, 1.0, 0.0), Stratum("b", 1, 26, 1.0, 0.0)]))
    assert (best.mean, best.low, best.high) == (1.0, pytest.approx(0.958, abs=5e-4), 1.0)
    spread = clipped_to_unit(stratified([Stratum("a", 1, 60, 0.9, 0.09)]))
    assert spread.high == pytest.approx(0.976, abs=5e-4)


def test_two_questions_that_one_side_won_show_nothing_and_ten_do():
    few, more = (stratified([Stratum("a", 1, n, 1.0, 0.0)]) for n in (2, 10))
    assert few.p == 0.5 and more.p == pytest.approx(0.002, abs=1e-4)
    unpaired = stratified_difference([Stratum("a", 1, 2, 1.0, 0.0)], [Stratum("a", 1, 50, 0.0, 0.0)])
    assert unpaired is not None and unpaired.p == 0.5
