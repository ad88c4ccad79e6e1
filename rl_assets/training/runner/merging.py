"""Whether the merged model answers as base plus adapter does, measured on rows of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rl_assets.models.adapters import Check
from rl_assets.training.data.rows import TrainingRows
from rl_assets.training.runner.checks import max_or_nan

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

PROBED_ROWS = 8
# Positions at the end of each row: every one holds a probability for each token of the vocabulary, twice.
LAST_POSITIONS = 32
# bfloat16 rounds the merged weights; float32 stays below 1e-9.
MAX_KL = 1e-3


def merged_model_check(model: Any, tokenizer: Any, rows: TrainingRows) -> Check:
    """KL divergence of the merged model from base plus adapter, in nats per token, at the ends of a few rows.

    Merging is undone in place, which rounds the model's weights: what is saved has been saved before.
    """
    separate = _log_probabilities(model, tokenizer, rows)
    model.merge_adapter()
    merged = _log_probabilities(model, tokenizer, rows)
    model.unmerge_adapter()
    kl = max_or_nan(_mean_kl(p, q) for p, q in zip(separate, merged, strict=True))
    return Check(
        name="merged_model",
        passed=abs(kl) <= MAX_KL,
        value=kl,
        limit=MAX_KL,
        what="KL of the merged model, nats per token",
        severity="warn",
    )


def _mean_kl(p: Float[Tensor, "tokens vocabulary"], q: Float[Tensor, "tokens vocabulary"]) -> float:
    """KL(p || q) of log-probabilities, mean over tokens."""
    return (p.exp() * (p - q)).sum(-1).mean().item()


def _log_probabilities(model: Any, tokenizer: Any, rows: TrainingRows) -> list[Float[Tensor, "tokens vocabulary"]]:
    """Log-probabilities at the ends of the first rows, dropout off."""
    import torch

    training = model.training
    model.eval()
    with torch.no_grad():
        inputs = (_tokens(tokenizer, row).to(model.device) for row in rows.rows[:PROBED_ROWS])
        logits = [model(input_ids=ids, use_cache=False).logits[0, -LAST_POSITIONS:] for ids in inputs]
        log_probabilities = [row.float().log_softmax(-1) for row in logits]
    model.train(training)
    return log_probabilities


def _tokens(tokenizer: Any, row: dict[str, Any]) -> Any:
    answer = next(row[name] for name in ("completion", "chosen", "reference") if name in row)
    encoded = tokenizer.apply_chat_template(row["prompt"] + answer, return_dict=True, return_tensors="pt")
    return encoded["input_ids"]
