"""Whether rewards come for one arm more often than for another, compared within categories."""

import numpy as np
import pytest
from scipy import stats

from rl_assets.routing.asked_alike import asked_alike, stratified_chi_square_p
from rl_assets_tests.support.cells import cell


def asked(answers, rewarded, **fields):
    counts = {"asked_answers": np.asarray(answers, float), "asked_rewarded": np.asarray(rewarded, float)}
    return cell(np.zeros(len(answers)), answers, **counts, **fields)


def test_with_one_category_it_is_pearsons_test() -> None:
    answers, rewarded = np.array([[100.0, 80, 60]]), np.array([[30.0, 10, 25]])
    statistic, _, freedom, _ = stats.chi2_contingency([rewarded[0], (answers - rewarded)[0]], correction=False)
    assert stratified_chi_square_p(answers, rewarded) == pytest.approx(
        stats.chi2.sf(statistic * 239 / 240, freedom), rel=1e-9
    )


def test_an_arm_that_is_asked_about_less_is_noticed() -> None:
    (found,) = asked_alike([asked([500, 500], [100, 50])])
    assert found.differs and found.rates == {"a": 0.2, "b": 0.1}


def test_categories_with_rates_of_their_own_are_no_difference_of_arms() -> None:
    # One arm answers most of the questions that are rarely rewarded: over all, half as often.
    cells = [asked([900, 100], [90, 10], category="x"), asked([100, 900], [50, 450], category="y")]
    (found,) = asked_alike(cells)
    assert found.rates == {"a": 0.14, "b": 0.46} and not found.differs and found.p == pytest.approx(1)


def test_few_answers_tell_nothing_and_segments_are_judged_on_their_own() -> None:
    few, clear = asked_alike([asked([6, 5], [3, 0]), asked([500, 500], [100, 50], segment="acme")])
    assert few.p is None and not few.differs and clear.differs and clear.segment == "acme"


@pytest.mark.slow  # Draws many tables.
def test_of_arms_that_are_asked_alike_one_in_a_hundred_is_reported() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(1_000):
        answers = rng.integers(5, 80, (6, 4))
        rewarded = rng.binomial(answers, rng.uniform(0.05, 0.4, (6, 1)))
        found.append(stratified_chi_square_p(answers.astype(float), rewarded.astype(float)))
    assert np.mean(np.array(found) < 0.01) <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / 1_000)
    assert np.mean(np.array(found) < 0.5) == pytest.approx(0.5, abs=0.05)
