"""GRPO's clipped loss on offline data (Shao et al. 2024, arXiv:2402.03300, eqs. 3 and 4).

Simplified against the paper: the answers are logged ones and used once. The log holds no token probabilities, so the
frozen parent stands for the policy that answered, and is the KL's reference too. Clipping is asymmetric ("clip higher",
Yu et al. 2025, arXiv:2503.14476); advantages are not divided by the group's standard deviation (Liu et al. 2025,
arXiv:2503.20783). Added: an answer below its group's mean counts no more once it has become `log_ratio_cap` nats per
token less likely, since pushing it further down makes nothing else likelier.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rl_assets.models.phase import Phase
from rl_assets.training.runner.run import Trained, TrainingRun
from rl_assets.training.trainers.offline_data import train_on_offline_data
from rl_assets.training.trainers.offline_trainer import build_offline_trainer, token_log_probabilities

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor


def train_offline_grpo(run: TrainingRun) -> Trained:
    """Continue the parent on all answers: better ones must gain, worse ones lose."""

    def build(model: Any, arguments: dict[str, Any], rows: list[dict[str, Any]], tokenizer: Any, recipe: Any) -> Any:
        phase = Phase("reference log-probabilities of answers", len(rows), run.log)
        return build_offline_grpo_trainer(model, arguments, rows, tokenizer, recipe, phase.report)

    trained = train_on_offline_data(run, build, lambda advantage: advantage)
    parent = run.job.required_parent.inputs_hash
    policy = f"the frozen parent adapter {parent}, since the log holds no token probabilities"
    return replace(trained, details=trained.details | {"logging_policy": policy})


def build_offline_grpo_trainer(
    model: Any,
    arguments: dict[str, Any],
    rows: list[dict[str, Any]],
    tokenizer: Any,
    recipe: Any,
    report: Any = None,
) -> Any:
    """The trainer for a GrpoRecipe or its values; the model as it comes is the reference.

    `report` is told of how many rows the reference's log-probabilities are computed.
    """
    from trl.trainer.utils import disable_dropout_in_model

    disable_dropout_in_model(model)  # Noise of its own would move the ratio that is clipped.
    loss = ClippedLoss(recipe.epsilon, recipe.epsilon_high, recipe.beta, recipe.log_ratio_cap)
    trainer = build_offline_trainer(model, arguments, rows, tokenizer, loss)
    reference = [list(map(float, row)) for row in token_log_probabilities(trainer, len(rows), report)]
    trainer.train_dataset = trainer.train_dataset.add_column("reference_logps", reference)
    return trainer


@dataclass(frozen=True)
class ClippedLoss:
    """-min(rho A, clip(rho, 1 - epsilon, 1 + epsilon_high) A) + beta KL of every token (arXiv:2402.03300, eq. 3).

    rho = policy / reference is a ratio of probabilities. KL is the unbiased estimate exp(d) - d - 1 with d = log
    reference - log policy (eq. 4), in nats.
    """

    epsilon: float
    epsilon_high: float
    beta: float
    log_ratio_cap: float

    def __call__(
        self, policy: Float[Tensor, "rows tokens"], mask: Bool[Tensor, "rows tokens"], extra: dict[str, Any]
    ) -> Float[Tensor, "rows tokens"]:
        """`policy` and `extra["reference_logps"]` hold log-probabilities; `extra["advantage"]` one value per row."""
        import torch

        reference: Float[Tensor, "rows tokens"] = extra["reference_logps"]
        away = reference - policy
        is_capped = (away * mask).sum(1) / mask.sum(1).clamp(min=1) > self.log_ratio_cap
        advantages: Float[Tensor, " rows"] = extra["advantage"]
        gain = advantages.masked_fill(is_capped & (advantages < 0), 0.0)[:, None]
        ratio = (policy - reference).exp()
        clipped = ratio.clamp(1 - self.epsilon, 1 + self.epsilon_high)
        return (self.beta * (away.exp() - away - 1) - torch.min(ratio * gain, clipped * gain)) * mask
