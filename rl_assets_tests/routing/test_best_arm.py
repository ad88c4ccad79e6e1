"""The best arm of a cell, decided with the right to look every day."""

import math

import pytest

from rl_assets.routing.best_arm import best_arm
from rl_assets_tests.support.cells import cell


def kl(p: float, q: float) -> float:
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


def test_the_evidence_and_its_threshold_are_those_of_the_formula() -> None:
    verdict = best_arm(cell([80, 60], [100, 120]))
    assert verdict is not None
    mean = 140 / 220
    assert verdict.evidence == pytest.approx(100 * kl(0.8, mean) + 120 * kl(0.5, mean))
    assert verdict.threshold == pytest.approx(math.log((1 + math.log(220)) / 0.05))
    assert (verdict.winner, verdict.still_in, verdict.rewards) == ("a", ("a",), 220)


def test_while_it_is_open_the_arms_still_in_are_named() -> None:
    verdict = best_arm(cell([10, 80, 78], [100, 100, 100]))
    assert verdict is not None and verdict.winner is None and verdict.still_in == ("b", "c")


def test_an_arm_with_few_rewards_keeps_it_open() -> None:
    verdict = best_arm(cell([80, 10, 5], [100, 100, 9]))
    assert verdict is not None and verdict.winner is None and verdict.still_in == ("a", "c") and verdict.evidence == 0


def test_extreme_means_have_evidence_too() -> None:
    verdict = best_arm(cell([20, 0], [20, 20]))
    assert verdict is not None and verdict.winner == "a"


def test_there_is_no_contest_of_one_arm_or_with_a_disabled_one() -> None:
    assert best_arm(cell([5], [10])) is None
    assert best_arm(cell([90, 5], [100, 10], ["disabled", None])) is None
