"""Linear Thompson sampling: against the closed forms of ridge regression and of normal posteriors."""

import numpy as np
import pytest
from scipy import stats

from rl_assets.routing.contextual import Ridge, noise_variance, probabilities_best, with_floor

RNG = np.random.default_rng(3)
CONTEXTS = np.column_stack([np.ones(60), RNG.integers(0, 2, 60)])


def arm(slope: float) -> Ridge:
    return Ridge.from_rewards(CONTEXTS, (RNG.random(60) < 0.5 + slope * (CONTEXTS[:, 1] - 0.5)).astype(float))


def test_coefficients_and_residuals_are_those_of_ridge_regression() -> None:
    rewards = RNG.random(60)
    ridge = Ridge.from_rewards(CONTEXTS, rewards)
    # A penalty of 1 is a row more per coefficient.
    rows, values = np.vstack([CONTEXTS, np.eye(2)]), np.concatenate([rewards, [0, 0]])
    expected, squares, *_ = np.linalg.lstsq(rows, values)
    assert ridge.mean == pytest.approx(expected) and ridge.residual == pytest.approx(squares[0])


def test_probabilities_are_those_of_the_normal_posterior() -> None:
    arms = {"b": arm(0.2), "a": arm(-0.2)}
    here = np.array([[1.0, 0.0], [1.0, 1.0]])
    names, found = probabilities_best(arms, here, seed=1)
    difference = here @ (arms["a"].mean - arms["b"].mean)
    variance = noise_variance(arms) * sum(
        np.einsum("nd,de,ne->n", here, np.linalg.inv(each.gram), here) for each in arms.values()
    )
    assert names == ["a", "b"] and found.sum(axis=1) == pytest.approx(1)
    assert found[:, 0] == pytest.approx(stats.norm.cdf(difference / np.sqrt(variance)), abs=0.035)


def test_the_same_seed_gives_the_same_propensities_whatever_the_order_of_arms() -> None:
    arms = {"a": arm(0.3), "b": arm(0.0), "c": arm(-0.3)}
    found = [
        probabilities_best(dict(order), CONTEXTS, 5)[1].tobytes() for order in (arms.items(), [*arms.items()][::-1])
    ]
    assert found[0] == found[1]


def test_without_a_reward_all_arms_are_alike_and_the_floor_is_everyones() -> None:
    nothing = Ridge.from_rewards(CONTEXTS[:0], np.zeros(0))
    _, found = probabilities_best({"a": nothing, "b": nothing}, CONTEXTS[:1], 0)
    assert noise_variance({"a": nothing}) == 0.25 and found[0] == pytest.approx([0.5, 0.5], abs=0.04)
    assert with_floor(np.array([[1.0, 0.0]]), 0.1)[0] == pytest.approx([0.95, 0.05])
