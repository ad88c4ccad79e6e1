"""Shares of traffic by the posteriors of arms: strategies, limits, sums and seeds."""

from math import fsum

import numpy as np
import pytest
from scipy import integrate, stats

from rl_assets.routing.config import RouterFile
from rl_assets.routing.thompson import cell_shares
from rl_assets_tests.support.cells import cell

DAY = "2026-10-01"
FREE = RouterFile(floor=0)


def shares(won, rewarded, status=None, **router) -> list[float]:
    file = RouterFile(**router)
    return cell_shares(DAY, cell(won, rewarded, status, file), file).share.tolist()


def test_the_share_of_an_arm_is_the_probability_that_it_is_the_best() -> None:
    found = cell_shares(DAY, cell([30, 25], [50, 50]), FREE)
    own, other = stats.beta(30.5, 20.5), stats.beta(25.5, 25.5)
    exact = integrate.quad(lambda x: own.pdf(x) * other.cdf(x), 0, 1)[0]
    assert found.share[0] == pytest.approx(exact, abs=3 * np.sqrt(exact * (1 - exact) / 2_000))
    assert found.share.tolist() == found.probability_best.tolist()


def test_every_arm_keeps_its_part_of_the_floor() -> None:
    assert shares([100, 0], [100, 100], floor=0.1) == pytest.approx([0.95, 0.05])
    assert shares([1], [3]) == [1.0]


@pytest.mark.parametrize("strategy", ["thompson", "top_two", "ucb", "epsilon_greedy"])
def test_shares_sum_to_1_whatever_limits_them(strategy) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        arms = rng.integers(1, 9)
        status = rng.choice([None, None, "failing", "new", "disabled", "undeclared"], arms).tolist()
        n = rng.integers(0, 40, arms)
        found = shares(n * rng.random(arms), n, status, strategy=strategy, floor=rng.choice([0, 0.05]))
        possible = any(own not in ("disabled", "undeclared") for own in status)
        assert fsum(found) == pytest.approx(float(possible), abs=1e-12) and min(found) >= 0


def test_arms_that_may_not_be_drawn_have_no_share_and_the_others_share_all() -> None:
    found = cell_shares(DAY, cell([90, 50, 40], [100, 100, 100], ["disabled", None, "undeclared"]), RouterFile())
    assert found.share.tolist() == [0, 1, 0] and found.limited_by == ("disabled", None, "undeclared")


def test_a_new_arm_has_the_cap_at_most_and_a_failing_one_the_floor() -> None:
    won, n = [5, 90, 30], [5, 100, 100]
    assert shares(won, n, ["new", None, None])[0] == pytest.approx(0.1)
    assert shares(won, n, ["new", None, None], new_arm_cap=0.02)[0] == pytest.approx(0.02)
    below = cell_shares(DAY, cell([0, 90, 30], [5, 100, 100], ["new", None, None]), RouterFile())
    assert below.share[0] < 0.1 and below.limited_by[0] is None
    failing = cell_shares(DAY, cell(won, n, [None, "failing", None]), RouterFile())
    assert failing.share[1] == pytest.approx(0.05 / 3) and failing.limited_by == (None, "failing", None)


def test_where_no_other_arm_is_left_a_new_one_has_no_cap_and_failing_ones_no_limit() -> None:
    assert shares([9, 90], [10, 100], ["new", "failing"]) == [pytest.approx(0.975), pytest.approx(0.025)]
    assert shares([50, 90], [100, 100], ["failing", "failing"]) == shares([50, 90], [100, 100])


def test_what_a_limited_arm_loses_goes_to_the_best_of_those_that_had_nothing() -> None:
    assert shares([9, 50, 40], [10, 100, 100], ["new", None, None], strategy="ucb") == [0.1, 0.9, 0]


def test_equal_arms_are_drawn_alike_even_if_rounding_makes_their_draws_equal() -> None:
    believed = RouterFile(default_prior=(1, 1), floor=0)
    assert np.all(np.abs(cell_shares(DAY, cell([0] * 4, [0] * 4, router=believed), believed).share - 0.25) < 0.05)


def test_the_other_strategies_are_those_of_their_formulas() -> None:
    won, n = [60, 55, 10], [100, 100, 100]
    assert shares(won, n, strategy="epsilon_greedy", epsilon=0.3) == pytest.approx([0.8, 0.1, 0.1])
    means = (np.array([60, 55, 1]) + 0.5) / (np.array([100, 100, 2]) + 1)
    bounds = means + 1.41 * np.sqrt(np.log(203) / (np.array([100, 100, 2]) + 1))
    assert shares([60, 55, 1], [100, 100, 2], strategy="ucb") == np.eye(3)[bounds.argmax()].tolist()
    top = shares(won, n, strategy="top_two", floor=0)
    # The third is far behind both others, so that these are the first two of nearly every draw.
    assert top == pytest.approx([0.5, 0.5, 0], abs=0.01)


def test_seeds_are_of_the_day_the_segment_and_the_category() -> None:
    known = cell([30, 25], [50, 50])
    same = [cell_shares(DAY, known, FREE).share.tobytes() for _ in range(2)]
    others = [
        cell_shares("2026-10-02", known, FREE),
        cell_shares(DAY, cell([30, 25], [50, 50], segment="acme"), FREE),
        cell_shares(DAY, cell([30, 25], [50, 50], category="facts"), FREE),
    ]
    assert same[0] == same[1] and len({same[0], *(other.share.tobytes() for other in others)}) == 4
