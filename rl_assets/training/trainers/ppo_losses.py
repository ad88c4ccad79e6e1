"""What PPO computes of a rollout: rewards of tokens, advantages, the two clipped losses, and the next beta.

Schulman et al. 2017 (arXiv:1707.06347), generalised advantages of Schulman et al. 2016 (arXiv:1506.02438), and the
adaptive coefficient of Ziegler et al. 2019 (arXiv:1909.08593). All is in nats, of (answers, tokens) tensors in which
`mask` is true for the tokens of the answer up to its end of turn, that one included; outside it values count as 0. An
empty row of the mask drops the answer. `add_up` turns a sum of this process into that of all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor

    Tokens = Float[Tensor, "answers tokens"]
    Mask = Bool[Tensor, "answers tokens"]
    Scalar = Float[Tensor, ""]
    AddUp = Callable[[Tensor], Tensor]

# Of a variance, so that tokens without any spread divide by something.
EPSILON = 1e-8
MAX_BETA_CHANGE = 0.2


def of_this_process(total: Tensor) -> Tensor:
    """The sum as it is: one process alone."""
    return total


def masked_mean(values: Tokens, mask: Mask, add_up: AddUp = of_this_process) -> Scalar:
    """Mean over the tokens of the mask; 0 if there are none."""
    return add_up((values * mask).sum()) / add_up(mask.sum()).clamp(min=1)


def masked_variance(values: Tokens, mask: Mask, add_up: AddUp = of_this_process) -> Scalar:
    """Variance over the tokens of the mask, divided by their number."""
    return masked_mean((values - masked_mean(values, mask, add_up)) ** 2, mask, add_up)


def whitened(values: Tokens, mask: Mask, add_up: AddUp = of_this_process, *, centred: bool = True) -> Tokens:
    """Values over their standard deviation, less their mean if they are `centred`; 0 outside the mask."""
    scaled = values - masked_mean(values, mask, add_up) if centred else values
    return scaled * (masked_variance(values, mask, add_up) + EPSILON).rsqrt() * mask


def token_rewards(
    scores: Float[Tensor, " answers"], policy: Tokens, reference: Tokens, mask: Mask, beta: float
) -> Tokens:
    """-beta (log pi - log ref) of each token; the last of the mask gets the answer's score too."""
    import torch

    rewards = -beta * (policy - reference) * mask
    rows = mask.any(dim=1).nonzero().flatten()
    # The last true column: padding after it is false.
    last = (mask * torch.arange(mask.shape[1], device=mask.device)).amax(dim=1)
    rewards[rows, last[rows]] += scores[rows].to(rewards.dtype)
    return rewards


def advantages(rewards: Tokens, values: Tokens, mask: Mask, gamma: float, lam: float) -> tuple[Tokens, Tokens]:
    """Generalised advantages and returns (arXiv:1506.02438, eq. 16), neither whitened.

    delta_t = r_t + gamma V_{t+1} m_{t+1} - V_t, A_t = delta_t + gamma lam m_{t+1} A_{t+1}, returns = A + V.
    """
    import torch

    kept, gains = mask.to(values.dtype), torch.zeros_like(values)
    gain = following = torch.zeros_like(values[:, 0])
    goes_on = torch.zeros_like(following)
    for token in range(values.shape[1] - 1, -1, -1):
        delta = rewards[:, token] + gamma * following * goes_on - values[:, token]
        gain = delta + gamma * lam * goes_on * gain
        gains[:, token] = gain
        following, goes_on = values[:, token], kept[:, token]
    return gains * kept, (gains + values) * kept


def policy_losses(policy: Tokens, behaviour: Tokens, gains: Tokens, mask: Mask, clip: float) -> tuple[Tokens, Mask]:
    """max(-A rho, -A clip(rho, 1 - clip, 1 + clip)) of each token (arXiv:1707.06347, eq. 7), and which were clipped."""
    import torch

    ratio = (policy - behaviour).masked_fill(~mask, 0.0).exp()
    plain, clipped = -gains * ratio, -gains * ratio.clamp(1 - clip, 1 + clip)
    return torch.max(plain, clipped) * mask, (clipped > plain) & mask


def value_losses(values: Tokens, before: Tokens, returns: Tokens, mask: Mask, clip: float) -> Tokens:
    """0.5 max((V - R)^2, (clip(V, V_old - clip, V_old + clip) - R)^2) of each token."""
    import torch

    clipped = torch.min(torch.max(values, before - clip), before + clip)
    return 0.5 * torch.max((values - returns) ** 2, (clipped - returns) ** 2) * mask


def divergence(policy: Tokens, behaviour: Tokens, mask: Mask, add_up: AddUp = of_this_process) -> Scalar:
    """KL(behaviour || policy), nats per token, by what the behaviour drew: mean of rho - 1 - log rho, never below 0."""
    moved = (policy - behaviour).masked_fill(~mask, 0.0)
    return masked_mean(moved.exp() - 1 - moved, mask, add_up)


def explained_variance(returns: Tokens, values: Tokens, mask: Mask, add_up: AddUp = of_this_process) -> float | None:
    """1 - var(R - V) / var(R); None if all returns are equal."""
    spread = masked_variance(returns, mask, add_up)
    if not spread > EPSILON:
        return None
    return float(1 - masked_variance(returns - values, mask, add_up) / spread)


def adapted_beta(beta: float, kl: float, target: float | None, gain: float) -> float:
    """beta (1 + gain clip(KL / target - 1, -0.2, 0.2)) (arXiv:1909.08593, section 2.2); without a target it stays."""
    if target is None:
        return beta
    return beta * (1 + gain * max(-MAX_BETA_CHANGE, min(MAX_BETA_CHANGE, kl / target - 1)))
