"""What PPO computes, against an example worked out by hand and against plain loops over random masks."""

import math
from random import Random
from typing import Any

import pytest

from rl_assets.training.trainers.ppo_losses import (
    adapted_beta,
    advantages,
    divergence,
    explained_variance,
    masked_mean,
    policy_losses,
    token_rewards,
    value_losses,
    whitened,
)

# Three tokens of which the last is padding: rewards -0.05 and 1 - 0.1, values 0.5 and 0.25.
# delta_2 = 0.9 - 0.25 = 0.65 = A_2; delta_1 = -0.05 + 0.25 - 0.5 = -0.3; A_1 = -0.3 + 0.95 * 0.65 = 0.3175.
MASK = [[True, True, False]]
VALUES = [[0.5, 0.25, 9.0]]


def tensor(values: Any) -> Any:
    import torch

    return torch.tensor(values)


def assert_close(actual: Any, expected: list[list[float]]) -> None:
    import torch

    torch.testing.assert_close(actual, tensor(expected), atol=1e-6, rtol=0)


def test_the_example_worked_out_by_hand():
    mask, values = tensor(MASK), tensor(VALUES)
    policy, reference = tensor([[-1.0, -2.0, -7.0]]), tensor([[-1.5, -3.0, -1.0]])
    rewards = token_rewards(tensor([1.0]), policy, reference, mask, 0.1)
    assert_close(rewards, [[-0.05, 0.9, 0.0]])
    gains, returns = advantages(rewards, values, mask, 1.0, 0.95)
    assert_close(gains, [[0.3175, 0.65, 0.0]])
    assert_close(returns, [[0.8175, 0.9, 0.0]])
    # The first token became 1.5 times as likely and is clipped at 1.2; the second is half as likely.
    now = policy + tensor([[math.log(1.5), math.log(0.5), 3.0]])
    losses, clipped = policy_losses(now, policy, gains, mask, 0.2)
    assert_close(losses, [[-0.3175 * 1.2, -0.65 * 0.5, 0.0]])
    assert clipped.tolist() == [[True, False, False]]
    # The first value moved by 0.4 and counts as moved by 0.2, which is farther from its return; the second by 0.1.
    moved = value_losses(values + tensor([[0.4, 0.1, 5.0]]), values, returns, mask, 0.2)
    assert_close(moved, [[0.5 * 0.1175**2, 0.5 * 0.55**2, 0.0]])


def brute_advantages(rewards: list[float], values: list[float], gamma: float, lam: float) -> list[float]:
    """Sums of all later deltas, of an answer without its padding."""
    count = len(rewards)
    following = [*values[1:], 0.0]
    deltas = [rewards[t] + gamma * following[t] - values[t] for t in range(count)]
    return [sum((gamma * lam) ** (u - t) * deltas[u] for u in range(t, count)) for t in range(count)]


@pytest.mark.parametrize("seed", range(200))
def test_random_masks_give_what_plain_loops_give(seed: int):
    import torch

    draw = Random(seed)
    answers, tokens = draw.randint(1, 4), draw.randint(1, 7)
    lengths = [draw.randint(0, tokens) for _ in range(answers)]
    mask = tensor([[t < length for t in range(tokens)] for length in lengths])
    generator = torch.Generator().manual_seed(seed)

    def random() -> torch.Tensor:
        return torch.randn(answers, tokens, dtype=torch.float64, generator=generator)

    policy, reference, values, now, seen = (random() for _ in range(5))
    scores = torch.randn(answers, dtype=torch.float64, generator=generator)
    gamma, lam, beta, clip = draw.choice([1.0, 0.9]), draw.choice([1.0, 0.95, 0.0]), draw.random(), 0.2
    rewards = token_rewards(scores, policy, reference, mask, beta)
    gains, returns = advantages(rewards, values, mask, gamma, lam)
    losses, clipped = policy_losses(now, policy, gains, mask, clip)
    squares = value_losses(seen, values, returns, mask, clip)
    for row, length in enumerate(lengths):
        expected = [-beta * float(policy[row, t] - reference[row, t]) for t in range(length)]
        if length:
            expected[-1] += float(scores[row])
        assert rewards[row].tolist() == pytest.approx(expected + [0.0] * (tokens - length))
        plain = brute_advantages(expected, values[row, :length].tolist(), gamma, lam)
        assert gains[row].tolist() == pytest.approx(plain + [0.0] * (tokens - length))
        for t in range(tokens):
            if t >= length:
                assert losses[row, t] == squares[row, t] == returns[row, t] == 0 and not clipped[row, t]
                continue
            rho, gain, target = math.exp(now[row, t] - policy[row, t]), plain[t], plain[t] + float(values[row, t])
            held = min(max(rho, 1 - clip), 1 + clip)
            assert float(losses[row, t]) == pytest.approx(max(-gain * rho, -gain * held))
            old, new = float(values[row, t]), float(seen[row, t])
            near = min(max(new, old - clip), old + clip)
            assert float(squares[row, t]) == pytest.approx(0.5 * max((new - target) ** 2, (near - target) ** 2))
    count = sum(lengths)
    mean = sum(float(losses[row, t]) for row, length in enumerate(lengths) for t in range(length)) / max(1, count)
    assert float(masked_mean(losses, mask)) == pytest.approx(mean)


def test_whitening_reads_the_mask_alone_and_keeps_the_mean_of_rewards_on_request():
    mask = tensor([[True, True, False], [True, False, False]])
    values = tensor([[1.0, 3.0, 100.0], [5.0, -50.0, 7.0]])
    white = whitened(values, mask)
    assert float(masked_mean(white, mask)) == pytest.approx(0, abs=1e-6)
    assert float(masked_mean(white**2, mask)) == pytest.approx(1, abs=1e-6)
    assert white[~mask].abs().sum() == 0
    scaled = whitened(values, mask, centred=False)
    assert float(masked_mean(scaled, mask)) == pytest.approx(3 / math.sqrt(8 / 3), abs=1e-6)


def test_sums_of_other_processes_count():
    mask, values = tensor([[True, True]]), tensor([[1.0, 3.0]])
    assert float(masked_mean(values, mask, lambda total: total + 2)) == pytest.approx((4 + 2) / (2 + 2))


def test_one_token_that_all_answers_have_is_no_division_by_zero():
    mask, values = tensor([[True]]), tensor([[0.0]])
    rewards = token_rewards(tensor([1.0]), values, values, mask, 0.1)
    gains, returns = advantages(rewards, values, mask, 1.0, 0.95)
    assert (gains.tolist(), returns.tolist(), whitened(gains, mask).tolist()) == ([[1.0]], [[1.0]], [[0.0]])
    assert explained_variance(returns, values, mask) is None


def test_the_variance_that_a_critic_explains():
    mask, returns = tensor([[True, True, False]]), tensor([[1.0, 3.0, 9.0]])
    assert explained_variance(returns, returns, mask) == pytest.approx(1)
    assert explained_variance(returns, returns.mean() + 0 * returns, mask) == pytest.approx(0)


def test_divergence_is_never_negative_and_zero_for_the_same_policy():
    mask, values = tensor(MASK), tensor(VALUES)
    assert float(divergence(values, values, mask)) == 0
    assert float(divergence(values + 0.3, values, mask)) == pytest.approx(math.exp(0.3) - 1.3, abs=1e-6)


@pytest.mark.parametrize(
    ("kl", "target", "gain", "expected"),
    [(2.0, 1.0, 1.0, 0.12), (1.1, 1.0, 1.0, 0.11), (0.0, 1.0, 0.1, 0.098), (50.0, None, 1.0, 0.1)],
)
def test_beta_follows_the_kl_by_a_fifth_at_most(kl: float, target: float | None, gain: float, expected: float):
    assert adapted_beta(0.1, kl, target, gain) == pytest.approx(expected)
