"""Intervals of a policy's value, against the reference implementation of their authors."""

import numpy as np
import pytest
from estimators.bandits import cressieread

from rl_assets.routing.intervals import WeightSums, cressie_read


def random_log(seed: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Weights and rewards in [0, 1], often 0, and the bounds of the weights."""
    rng = np.random.default_rng(seed)
    count, least, largest = int(rng.integers(1, 400)), rng.uniform(0, 0.9), rng.uniform(1.1, 60)
    weights = np.clip(rng.uniform(least, largest, count) * (rng.random(count) < 0.5), least, largest)
    rewards = rng.random(count) * (rng.random(count) < rng.random())
    return weights, np.round(rewards) if seed % 2 else rewards, float(least), float(largest)


def test_intervals_of_100_random_logs_are_those_of_the_reference() -> None:
    for seed in range(100):
        weights, rewards, least, largest = random_log(seed)
        reference = cressieread.Interval(least, largest)
        for weight, reward in zip(weights, rewards, strict=True):
            reference.add_example(1.0, float(reward), float(weight))
        interval = cressie_read(WeightSums.of(weights, weights * rewards), least, largest)
        assert interval == pytest.approx(reference.get(), abs=1e-9)


def test_no_reward_at_all_leaves_room_for_some() -> None:
    weights = np.where(np.arange(400) % 10 == 0, 10.0, 0.0)
    low, high = cressie_read(WeightSums.of(weights, np.zeros(400)), 0.0, 10.0)
    assert low == 0 and 0.05 < high < 0.2


@pytest.mark.parametrize("bounds", [(1.0, 3.0), (0.0, 1.0), (0.0, float("inf"))])
def test_bounds_that_leave_no_weight_on_one_side_of_1_are_rejected(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="cannot average 1"):
        cressie_read(WeightSums.of(np.ones(3), np.ones(3)), *bounds)


def test_no_session_is_rejected() -> None:
    with pytest.raises(ValueError, match="no session"):
        cressie_read(WeightSums.of(np.zeros(0), np.zeros(0)), 0.0, 2.0)
