"""What the learned shares earn in made-up worlds, and that equal arms have no winner: a small part of the benchmark."""

import numpy as np
import pytest

from rl_assets_tests.benchmarks.router import BAD, WORLDS, false_winners, looks, regrets

SEEDS = 6


@pytest.mark.slow  # Plays many batches.
def test_learned_shares_earn_more_than_chance_and_ucb_and_leave_a_bad_arm_little() -> None:
    world = WORLDS[0]
    regret, (planted, share) = regrets(world, "Thompson", SEEDS)[0], regrets(world, "Thompson", SEEDS, BAD)
    # Over 20 seeds 0.095, 0.137 and 0.182; the standard error of 6 is some 0.004.
    assert regret < 0.115 and regret < regrets(world, "UCB 1.41", SEEDS)[0] < regrets(world, "random", SEEDS)[0]
    assert share < 0.05 and planted < regrets(world, "random", SEEDS, BAD)[0]


@pytest.mark.slow  # Looks hundreds of times.
def test_of_equal_arms_nearly_none_wins_and_of_unequal_ones_the_best() -> None:
    assert false_winners(60, 3_000) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    rng = np.random.default_rng(1)
    winners = [looks((0.7, 0.5, 0.5), "top two", rng, 5_000)[0] for _ in range(5)]
    assert winners == [0] * 5
