"""Advantage-weighted regression (Peng et al. 2019, arXiv:1910.00177): likelihood of every answer, the better the more.

Simplified: the advantage A is the reward minus the mean of the answer's group, in place of a learned value function; it
is one value per answer, shared by its tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rl_assets.training.runner.run import Trained, TrainingRun
from rl_assets.training.trainers.offline_data import train_on_offline_data
from rl_assets.training.trainers.offline_trainer import build_offline_trainer

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor


def train_awr(run: TrainingRun) -> Trained:
    """Continue the parent on all answers.

    Weighting makes worse answers likelier too, only less so: of the better ones alone it is checked that they gained.
    """
    return train_on_offline_data(run, build_awr_trainer, lambda advantage: max(0.0, advantage))


def build_awr_trainer(
    model: Any, arguments: dict[str, Any], rows: list[dict[str, Any]], tokenizer: Any, recipe: Any
) -> Any:
    """The trainer for a GrpoRecipe or its values."""
    loss = AwrLoss(recipe.advantage_temperature, recipe.max_weight)
    return build_offline_trainer(model, arguments, rows, tokenizer, loss)


@dataclass(frozen=True)
class AwrLoss:
    """Negative log-likelihood of every token, in nats, times its answer's weight."""

    temperature: float
    max_weight: float

    def __call__(
        self, policy: Float[Tensor, "rows tokens"], mask: Bool[Tensor, "rows tokens"], extra: dict[str, Any]
    ) -> Float[Tensor, "rows tokens"]:
        """`policy` holds log-probabilities, 0 outside answers; `extra["advantage"]` one advantage per row."""
        weights = [advantage_weight(float(a), self.temperature, self.max_weight) for a in extra["advantage"]]
        return -policy * policy.new_tensor(weights)[:, None]


def advantage_weight(advantage: float, temperature: float, max_weight: float) -> float:
    """min(max_weight, exp(A / temperature)), the weight of advantage-weighted regression (arXiv:1910.00177, eq. 9)."""
    return min(max_weight, math.exp(min(advantage / temperature, math.log(max_weight))))
