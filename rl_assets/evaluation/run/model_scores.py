"""One model on the held-out items: its answers, its log-probabilities, its speed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.evaluation.run.items import Item, Pair
from rl_assets.models.encoding import completion_ids, prompt_ids
from rl_assets.models.generation import Generation, generate
from rl_assets.models.latency import Latency, measure_latency
from rl_assets.models.log_probabilities import LogProbability, log_probabilities

Log = Callable[[str], None]
MIN_NEW_TOKENS = 48
MAX_NEW_TOKENS = 512


@dataclass(frozen=True)
class HeldOut:
    """What every model is asked; `left_out` counts the items and pairs too long for the model's context."""

    items: list[Item]
    pairs: list[Pair]
    max_new_tokens: int
    left_out: int


@dataclass(frozen=True)
class ModelScores:
    """Raw scores in the order of the items (and of their references) and pairs."""

    generation: Generation
    references: list[LogProbability]
    pairs: list[tuple[LogProbability, LogProbability]]
    latency: Latency | None


def fit(items: Sequence[Item], pairs: Sequence[Pair], tokenizer: Any, context: int) -> HeldOut:
    """Leave out what the model's context cannot hold, and give answers twice the longest reference's room.

    The room lies between 48 and 512 new tokens: an answer that needs more is not the one asked for.
    """
    references = [len(completion_ids(tokenizer, i.prompt, r)) for i in items for r in i.references]
    room = min(MAX_NEW_TOKENS, max(MIN_NEW_TOKENS, 2 * max(references, default=0)))
    kept_items = [i for i in items if _room(tokenizer, i.prompt, i.references, room) <= context]
    kept_pairs = [p for p in pairs if _room(tokenizer, p.prompt, (p.chosen, p.rejected), 0) <= context]
    left_out = len(items) + len(pairs) - len(kept_items) - len(kept_pairs)
    return HeldOut(kept_items, kept_pairs, room, left_out)


def _room(tokenizer: Any, prompt: Sequence[Message], answers: Sequence[str], room: int) -> int:
    longest = max((len(completion_ids(tokenizer, prompt, answer)) for answer in answers), default=0)
    return len(prompt_ids(tokenizer, prompt)) + max(room, longest)


def score_model(model: Any, tokenizer: Any, held_out: HeldOut, log: Log) -> ModelScores:
    """Answers, log-probabilities of references and pairs, and the latency of warm requests."""
    scores = score_items(model, tokenizer, held_out, log)
    prompts = [item.prompt for item in held_out.items]
    return replace(scores, latency=measure_latency(model, tokenizer, prompts, held_out.max_new_tokens))


def score_items(model: Any, tokenizer: Any, held_out: HeldOut, log: Log) -> ModelScores:
    """Answers, and log-probabilities of references and pairs."""
    references = [(item.prompt, text) for item in held_out.items for text in item.references]
    sides = [(pair.prompt, text) for pair in held_out.pairs for text in (pair.chosen, pair.rejected)]
    scored = log_probabilities(model, tokenizer, references + sides, log)
    side_scores = scored[len(references) :]
    return replace(
        answer_items(model, tokenizer, held_out, log),
        references=scored[: len(references)],
        pairs=list(zip(side_scores[::2], side_scores[1::2], strict=True)),
    )


def answer_items(model: Any, tokenizer: Any, held_out: HeldOut, log: Log) -> ModelScores:
    """Answers alone."""
    prompts = [item.prompt for item in held_out.items]
    generation = generate(model, tokenizer, prompts, held_out.max_new_tokens, log)
    return ModelScores(generation=generation, references=[], pairs=[], latency=None)
