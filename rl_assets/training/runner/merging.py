"""Whether the merged model answers as base plus adapter does, measured on rows of the run.

An adapter is merged into the base in 16 or 32 bits, whatever it was trained on: into packed weights it would be rounded
away. What the quantization of the training changed is then measured apart.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_assets.models.adapters import Check
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import Quantization, load_unquantized
from rl_assets.models.memory import DeviceMemoryError, free_memory
from rl_assets.models.phase import Phase
from rl_assets.training.data.rows import TrainingRows
from rl_assets.training.runner.checks import max_or_nan

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    Probabilities = list[Float[Tensor, "tokens vocabulary"]]

Log = Callable[[str], None]
PROBED_ROWS = 8
# Positions at the end of each row: every one holds a probability for each token of the vocabulary, several times.
LAST_POSITIONS = 32
# bfloat16 rounds the merged weights; float32 stays below 1e-9.
MAX_KL = 1e-3


def merging_checks(
    model: Any,
    tokenizer: Any,
    rows: TrainingRows,
    base: BaseModel,
    adapter: Path,
    quantization: Quantization | None,
    log: Log,
) -> list[Check]:
    """How the merged model differs from base plus adapter and, if the base was quantized, from what was trained.

    `model` is the trained one, `adapter` the folder of its saved weights. Merging is undone in place, which rounds the
    model's weights: what is saved has been saved before.
    """
    trained = _log_probabilities(model, tokenizer, rows, log)
    if quantization is None:
        same = _merged_model_check(trained, _merged(model, tokenizer, rows, log))
        return [same, _check("quantized_base", True, 0.0, 0.0, "the base was not quantized")]
    try:
        plain = load_unquantized(base, log)
    except DeviceMemoryError as error:
        nan, what = float("nan"), f"not measured: {error}"
        return [_check(name, False, nan, nan, what) for name in ("merged_model", "quantized_base")]
    from peft import PeftModel

    alone = _log_probabilities(plain, tokenizer, rows, log)
    adapted = PeftModel.from_pretrained(plain, str(adapter))
    apart = _log_probabilities(adapted, tokenizer, rows, log)
    merged = _merged(adapted, tokenizer, rows, log)
    del plain, adapted
    free_memory()
    return [_merged_model_check(apart, merged), _quantized_base_check(trained, merged, alone, quantization)]


def _merged_model_check(separate: Probabilities, merged: Probabilities) -> Check:
    kl = _largest_kl(separate, merged)
    return _check("merged_model", abs(kl) <= MAX_KL, kl, MAX_KL, "KL of the merged model, nats per token")


def _quantized_base_check(
    trained: Probabilities, merged: Probabilities, alone: Probabilities, quantization: Quantization
) -> Check:
    """What is deployed is nearer to what was trained than the base alone is, or rounding outweighs the adapter."""
    rounding, learned = _largest_kl(trained, merged), _largest_kl(trained, alone)
    what = (
        f"KL of the adapter merged into the unquantized base from the model trained on {quantization}, nats per token, "
        "against that of the base alone"
    )
    return _check("quantized_base", rounding < learned, rounding, learned, what)


def _check(name: str, passed: bool, value: float, limit: float, what: str) -> Check:
    return Check(name=name, passed=passed, value=value, limit=limit, what=what, severity="warn")


def _largest_kl(p: Probabilities, q: Probabilities) -> float:
    """The largest of the rows' mean KL divergences; NaN if one is."""
    return max_or_nan(_mean_kl(ours, theirs) for ours, theirs in zip(p, q, strict=True))


def _merged(adapted: Any, tokenizer: Any, rows: TrainingRows, log: Log) -> Probabilities:
    adapted.merge_adapter()
    merged = _log_probabilities(adapted, tokenizer, rows, log)
    adapted.unmerge_adapter()
    return merged


def _mean_kl(p: Float[Tensor, "tokens vocabulary"], q: Float[Tensor, "tokens vocabulary"]) -> float:
    """KL(p || q) of log-probabilities, mean over tokens."""
    return (p.exp() * (p - q)).sum(-1).mean().item()


def _log_probabilities(model: Any, tokenizer: Any, rows: TrainingRows, log: Log) -> Probabilities:
    """Log-probabilities at the ends of the first rows, dropout off, in memory of the CPU."""
    import torch

    training, probed = model.training, rows.rows[:PROBED_ROWS]
    phase, probabilities = Phase("rows of the merged model", len(probed), log), []
    model.eval()
    with torch.no_grad():
        for row in probed:
            ids = _tokens(tokenizer, row).to(model.device)
            logits = model(input_ids=ids, use_cache=False).logits[0, -LAST_POSITIONS:]
            probabilities.append(logits.float().log_softmax(-1).cpu())
            phase.report(len(probabilities))
    model.train(training)
    return probabilities


def _tokens(tokenizer: Any, row: dict[str, Any]) -> Any:
    answer = next(row[name] for name in ("completion", "chosen", "reference") if name in row)
    encoded = tokenizer.apply_chat_template(row["prompt"] + answer, return_dict=True, return_tensors="pt")
    return encoded["input_ids"]
