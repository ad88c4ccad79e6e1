import math

import pytest

from rl_assets.training.trainers.awr import advantage_weight
from rl_assets.training.trainers.offline_grpo import ClippedLoss

CLIPPED = ClippedLoss(epsilon=0.2, epsilon_high=0.28, beta=0.04, log_ratio_cap=2.0)


def loss(log_ratio: float, advantage: float, clipped: ClippedLoss = CLIPPED) -> tuple[float, float]:
    """(loss, its derivative by the policy's log-probability) of a single token."""
    import torch

    reference = torch.tensor([[-1.0]])
    policy = (reference + log_ratio).requires_grad_()
    extra = {"reference_logps": reference, "advantage": torch.tensor([advantage])}
    value = clipped(policy, torch.ones(1, 1, dtype=torch.bool), extra)
    value.sum().backward()
    assert policy.grad is not None
    return value.item(), policy.grad.item()


def test_weights_grow_with_the_advantage_up_to_the_largest():
    assert advantage_weight(0.0, 0.5, 5.0) == 1.0
    assert advantage_weight(-0.5, 0.5, 5.0) == pytest.approx(math.exp(-1))
    assert advantage_weight(1e6, 0.5, 5.0) == pytest.approx(5.0)


def test_at_the_logging_policy_the_loss_is_minus_the_advantage_and_so_is_its_slope():
    assert loss(0.0, 0.7) == pytest.approx((-0.7, -0.7))


def test_a_better_answer_gains_nothing_more_beyond_the_upper_clip():
    value, slope = loss(0.5, 1.0)
    kl = math.exp(-0.5) + 0.5 - 1
    assert value == pytest.approx(-1.28 + 0.04 * kl)
    assert slope == pytest.approx(0.04 * (1 - math.exp(-0.5)))


def test_a_worse_answer_is_pushed_no_further_below_the_lower_clip():
    assert loss(-0.5, -1.0)[1] < 0
    assert loss(0.5, -1.0)[1] > 0


def test_a_worse_answer_that_lost_more_than_the_log_ratio_cap_is_left_to_the_reference():
    near, far = ClippedLoss(0.9, 0.28, 0.04, 2.0), ClippedLoss(0.9, 0.28, 0.04, 0.1)
    assert loss(-1.0, -1.0, near)[0] > loss(-1.0, -1.0, far)[0]
    assert loss(-1.0, -1.0, far)[0] == pytest.approx(0.04 * (math.e - 2))


def test_tokens_outside_the_answer_have_no_loss():
    import torch

    mask = torch.tensor([[False, True]])
    extra = {"reference_logps": torch.zeros(1, 2), "advantage": torch.tensor([1.0])}
    values = CLIPPED(torch.tensor([[-9.0, -1.0]]), mask, extra)
    assert values[0, 0] == 0 and values[0, 1] != 0
