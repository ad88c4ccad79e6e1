"""Log-probabilities of given answers, and what follows from them: perplexity and preference margins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from rl_assets.core.chat import Message
from rl_assets.models.encoding import answer_ids, context_length, pad_id
from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.memory import rows_within_memory, run_in_batches
from rl_assets.models.phase import Phase

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

Value = TypeVar("Value")
BATCH_SIZE = 32
# Logits of one batch, rows x width x vocabulary: 1 GiB in float32, soon full with 150,000 tokens.
LOGIT_CELLS = 1 << 28


@dataclass(frozen=True)
class LogProbability:
    """Sum of the natural log-probabilities of an answer's tokens (end token included), and their number."""

    total: float
    tokens: int

    @property
    def per_token(self) -> float:
        """Nats per token."""
        return self.total / self.tokens


def log_probabilities(
    model: Any,
    tokenizer: Any,
    questions: Sequence[tuple[Sequence[Message], Sequence[str]]],
    log: Callable[[str], None],
) -> list[list[LogProbability]]:
    """log p(answer | prompt) of every answer of each (prompt, answers), in their order.

    The answers to one prompt are scored from the same token on. Raises ValueError if one is longer than the model's
    context: truncated, its value would be another answer's. DeviceMemoryError if a single one does not fit the memory.
    """
    ends = end_of_turn_ids(tokenizer, model)
    encoded = [answer_ids(tokenizer, prompt, answers, ends) for prompt, answers in questions]
    scores = iter(_scores(model, pad_id(tokenizer), [(p, side) for p, sides in encoded for side in sides], log))
    return [[next(scores) for _ in answers] for _, answers in questions]


def token_log_probabilities(
    model: Any, tokenizer: Any, rows: Sequence[tuple[list[int], list[int]]], log: Callable[[str], None]
) -> list[list[float]]:
    """log p of each token of each completion, in nats, given the ids of (prompt, completion).

    ValueError and DeviceMemoryError as `log_probabilities`.
    """
    return _run_scored(model, pad_id(tokenizer), rows, _token_values, log)


def _scores(
    model: Any, pad: int, encoded: Sequence[tuple[list[int], list[int]]], log: Callable[[str], None]
) -> list[LogProbability]:
    return _run_scored(model, pad, encoded, _answer_sum, log)


def _run_scored(
    model: Any,
    pad: int,
    encoded: Sequence[tuple[list[int], list[int]]],
    value: Callable[[Any, list[int], list[int]], Value],
    log: Callable[[str], None],
) -> list[Value]:
    lengths = [len(prompt) + len(completion) for prompt, completion in encoded]
    if lengths and max(lengths) > context_length(model):
        raise ValueError(f"{max(lengths)} tokens exceed the model's context of {context_length(model)}")
    phase = Phase("scored answers", len(encoded), log)

    def run(batch: list[int], done: int) -> list[Value]:
        values = _score_batch(model, [encoded[row] for row in batch], pad, value)
        phase.report(done + len(batch))
        return values

    def fitting(length: int) -> int:
        max_rows = max(1, min(BATCH_SIZE, LOGIT_CELLS // (length * int(model.config.vocab_size))))
        return rows_within_memory(model, length, length, max_rows)

    scores = run_in_batches(lengths, fitting, run, log)
    log(f"scored {len(scores)} answers")
    return scores


def _score_batch(
    model: Any,
    rows: list[tuple[list[int], list[int]]],
    pad: int,
    value: Callable[[Any, list[int], list[int]], Value],
) -> list[Value]:
    """Right-padded, so that positions start at 0 in every row and the causal mask hides the padding."""
    import torch

    width = max(len(prompt) + len(completion) for prompt, completion in rows)
    ids = torch.full((len(rows), width), pad, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for row, (prompt, completion) in enumerate(rows):
        ids[row, : len(prompt) + len(completion)] = torch.tensor(prompt + completion)
        mask[row, : len(prompt) + len(completion)] = 1
    with torch.inference_mode():
        logits = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device), use_cache=False).logits
        return [value(logits[row], *pair) for row, pair in enumerate(rows)]


def _answer_sum(logits: Float[Tensor, "width vocabulary"], prompt: list[int], completion: list[int]) -> LogProbability:
    """Sum over the answer's tokens, in nats."""
    picked = _picked(logits, prompt, completion)
    return LogProbability(total=float(picked.double().sum()), tokens=len(completion))


def _token_values(logits: Float[Tensor, "width vocabulary"], prompt: list[int], completion: list[int]) -> list[float]:
    values: list[float] = _picked(logits, prompt, completion).squeeze(1).tolist()
    return values


def _picked(
    logits: Float[Tensor, "width vocabulary"], prompt: list[int], completion: list[int]
) -> Float[Tensor, "tokens 1"]:
    """Log-probabilities of the completion's tokens, in nats; the token at position i is predicted at i - 1."""
    import torch

    window = logits[len(prompt) - 1 : len(prompt) + len(completion) - 1].float()
    targets = torch.tensor(completion, device=logits.device).unsqueeze(1)
    return torch.log_softmax(window, dim=-1).gather(1, targets)


def implicit_margins(
    policy: Sequence[tuple[LogProbability, LogProbability]],
    reference: Sequence[tuple[LogProbability, LogProbability]],
) -> list[float]:
    """Implicit reward of the chosen answer minus that of the rejected, in nats, for each pair.

    r(x, y) = log pi(y | x) - log ref(y | x), DPO's implicit reward without its factor beta, which
    moves no sign (Rafailov et al. 2023, "Direct Preference Optimization", equation 5).
    """
    return [
        (ours[0].total - theirs[0].total) - (ours[1].total - theirs[1].total)
        for ours, theirs in zip(policy, reference, strict=True)
    ]


def likelihood_margins(policy: Sequence[tuple[LogProbability, LogProbability]]) -> list[float]:
    """Log-probability per token of the chosen answer minus that of the rejected; needs no reference model."""
    return [chosen.per_token - rejected.per_token for chosen, rejected in policy]


def preferred(margins: Sequence[float]) -> list[float]:
    """1.0 if the chosen answer wins, 0.5 for a tie, 0.0 if it loses."""
    return [1.0 if margin > 0 else 0.5 if margin == 0 else 0.0 for margin in margins]
