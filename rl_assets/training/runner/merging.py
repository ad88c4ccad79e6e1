"""Whether the merged model answers as base plus adapter does, measured on rows of the run."""

from typing import Any

from rl_assets.training.data.rows import TrainingRows
from rl_assets.training.runner.checks import Check, check

PROBES = 8
# Positions at the end of each row: every one holds a probability for the whole vocabulary, twice.
LAST = 32
# bfloat16 rounds the merged weights; float32 stays below 1e-9.
LARGEST_KL = 1e-3


def merged_model_check(model: Any, tokenizer: Any, rows: TrainingRows) -> Check:
    """KL divergence of the merged model from base plus adapter, in nats a token, at the ends of a few rows of the run.

    Merging is undone in place, which rounds the model's weights: what is saved has been saved before.
    """
    separate = _log_probabilities(model, tokenizer, rows)
    model.merge_adapter()
    merged = _log_probabilities(model, tokenizer, rows)
    model.unmerge_adapter()
    kl = max((p.exp() * (p - q)).sum(-1).mean().item() for p, q in zip(separate, merged, strict=True))
    return check("merged_model", abs(kl) <= LARGEST_KL, kl, LARGEST_KL, "KL of the merged model, nats a token", "warn")


def _log_probabilities(model: Any, tokenizer: Any, rows: TrainingRows) -> list[Any]:
    """Log-probabilities of shape (tokens, vocabulary) at the ends of the first rows, dropout off."""
    import torch

    training = model.training
    model.eval()
    with torch.no_grad():
        inputs = (_tokens(tokenizer, row).to(model.device) for row in rows.rows[:PROBES])
        found = [model(input_ids=i, use_cache=False).logits[0, -LAST:].float().log_softmax(-1) for i in inputs]
    model.train(training)
    return found


def _tokens(tokenizer: Any, row: dict[str, Any]) -> Any:
    answer = next(row[name] for name in ("completion", "chosen", "reference") if name in row)
    encoded = tokenizer.apply_chat_template(row["prompt"] + answer, return_dict=True, return_tensors="pt")
    return encoded["input_ids"]
