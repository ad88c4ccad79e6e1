"""Weights that are still numbers: what blew up is neither a checkpoint nor an adapter."""

from typing import Any

from rl_assets.training.errors import TrainingDiverged

# The largest number of 16 bits, in which adapters are served. Weights of a LoRA that learns stay below 10.
MAX_WEIGHT = 65504.0


def require_finite_weights(model: Any, step: int) -> None:
    """Raise TrainingDiverged if a trained weight is NaN, infinite or beyond what 16 bits can hold, after `step`."""
    import torch

    with torch.no_grad():
        weights = [weight.abs().max() for weight in model.parameters() if weight.requires_grad and weight.numel()]
        largest = float(torch.stack([weight.float() for weight in weights]).max()) if weights else 0.0
    if not largest <= MAX_WEIGHT:
        raise TrainingDiverged(
            f"The weights have blown up after step {step}: the largest is {largest:.3g}. Lower the learning rate or "
            "max_grad_norm.",
            last_good_step=step - 1,
        )
