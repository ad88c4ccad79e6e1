"""Losses on logged answers as functions of token log-probabilities; tensors have shape (rows, tokens) or (rows,)."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Clipping:
    """How far the policy may move from the one that answered, and how it is held to the reference."""

    epsilon_low: float
    epsilon_high: float
    beta: float
    drift: float


def advantage_weight(advantage: float, temperature: float, largest: float) -> float:
    """min(largest, exp(A / temperature)), the weight of advantage-weighted regression (arXiv:1910.00177)."""
    return min(largest, math.exp(min(advantage / temperature, math.log(largest))))


def clipped_token_loss(policy: Any, logged: Any, mask: Any, advantages: Any, clipping: Clipping) -> Any:
    """Loss of every token: -min(rho A, clip(rho, 1 - low, 1 + high) A) + beta KL (arXiv:2402.03300, eqs. 3 and 4).

    rho is the ratio of the policy to the one that answered, which also is the reference. KL is the unbiased estimate
    exp(d) - d - 1 with d = logged - policy. The advantage of an answer below the mean counts no more once it has become
    `drift` nats a token less likely: pushing it further down makes nothing else likelier.
    """
    import torch

    ratio = (policy - logged).exp()
    drifted = ((logged - policy) * mask).sum(1) / mask.sum(1).clamp(min=1) > clipping.drift
    gain = advantages.masked_fill(drifted & (advantages < 0), 0.0)[:, None]
    clipped = ratio.clamp(1 - clipping.epsilon_low, 1 + clipping.epsilon_high)
    away = logged - policy
    return (clipping.beta * (away.exp() - away - 1) - torch.min(ratio * gain, clipped * gain)) * mask
