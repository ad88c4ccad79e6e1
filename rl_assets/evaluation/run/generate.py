"""Generation and scoring: every distinct model on held-out items and benchmarks, one base in memory for all."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.evaluation.run.inputs import Benchmark, Item, Pair
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.models.chat_template import REFUSED, WITH_CONTROL_TOKENS, row_fault
from rl_assets.models.encoding import answer_ids, context_length, prompt_ids
from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.generation import Generation, generate
from rl_assets.models.latency import Latency
from rl_assets.models.log_probabilities import LogProbability, log_probabilities
from rl_assets.models.switching import SwitchedModels

Log = Callable[[str], None]
Question = tuple[Sequence[Message], Sequence[str]]
MIN_NEW_TOKENS = 48
MAX_NEW_TOKENS = 512
ROOM = 1.25  # of the longest reference


@dataclass(frozen=True)
class PromptSet:
    """Items and pairs that fit the model's context with an answer of `max_new_tokens`; `too_long` counts those that do
    not and were dropped, `refused` those that the chat template does not render, and `with_control_tokens` those whose
    texts it would read as turns, which were dropped too.
    """

    items: list[Item]
    pairs: list[Pair]
    max_new_tokens: int
    too_long: int
    refused: int = 0
    with_control_tokens: int = 0
    context: int = 0


@dataclass(frozen=True)
class ModelScores:
    """Raw scores of one model in the order of the items (and of their references) and pairs."""

    generation: Generation
    references: list[LogProbability]
    pairs: list[tuple[LogProbability, LogProbability]]
    latency: Latency | None


@dataclass(frozen=True)
class EvalPrompts:
    """The held-out set, the set of each benchmark by its name, and the fresh one, which only compared models answer."""

    held_out: PromptSet
    benchmarks: dict[str, PromptSet]
    fresh: PromptSet


@dataclass(frozen=True)
class Divergences:
    """log p - log p_base of a model's own answers to the held-out and fresh prompts, in nats; None where unknown."""

    held_out: list[float | None]
    fresh: list[float | None] | None


@dataclass(frozen=True)
class EvalOutputs:
    """One model's scores on the same sets; `fresh` only of the models that the decision compares, `divergences` only
    where the metric needs them."""

    held_out: ModelScores
    benchmarks: dict[str, ModelScores]
    fresh: ModelScores | None = None
    divergences: Divergences | None = None


def generate_and_score(
    models: EvaluatedModels,
    loaded: SwitchedModels,
    items: list[Item],
    pairs: list[Pair],
    benchmarks: Sequence[Benchmark],
    fresh: list[Item],
    log: Log,
) -> tuple[EvalPrompts, dict[str, EvalOutputs]]:
    """The prompts that fit the base's context, and outputs by weights hash; the base comes first."""
    fit = partial(fit_to_context, loaded.tokenizer, loaded.model)
    prompts = EvalPrompts(fit(items, pairs), {mark.name: fit(mark.items, []) for mark in benchmarks}, fit(fresh, []))
    outputs: dict[str, EvalOutputs] = {}
    for weights, adapter in models.distinct().items():
        model, tokenizer = loaded.switch_to(adapter), loaded.tokenizer
        log(f"{models.label(adapter)}: {len(prompts.held_out.items)} held-out prompts")
        score = _all_scores if models.has_role(adapter) else _answers_alone
        outputs[weights] = score(model, tokenizer, prompts, log)
        if prompts.fresh.items and weights in models.weights_compared():
            answers = answer_items(model, tokenizer, prompts.fresh, log)
            outputs[weights] = replace(outputs[weights], fresh=answers)
    return prompts, outputs


def fit_to_context(tokenizer: Any, model: Any, items: Sequence[Item], pairs: Sequence[Pair]) -> PromptSet:
    """Drop what the model's context cannot hold, and give answers of all models the same room.

    That is 1.25 times the longest reference, between 48 and 512 new tokens: an answer that needs more is not the
    expected one, and a model that never ends costs all that it may write. An item without a reference says nothing of
    its answer's length, and gives 512. What the chat template refuses (two turns of one role, a system turn), and texts
    with control tokens, are dropped too, and counted apart.
    """
    context, ends = context_length(model), end_of_turn_ids(tokenizer, model)
    faults: Counter[str | None] = Counter()
    item_tokens = [_tokens(tokenizer, item.prompt, item.references, ends, faults) for item in items]
    pair_tokens = [_tokens(tokenizer, pair.prompt, (pair.chosen, pair.rejected), ends, faults) for pair in pairs]
    rendered_items = [(item, t) for item, t in zip(items, item_tokens, strict=True) if t]
    rendered_pairs = [(pair, t) for pair, t in zip(pairs, pair_tokens, strict=True) if t]
    room = _room([(item, answer) for item, (prompt, answer) in rendered_items if prompt + answer <= context])
    kept_items = [item for item, (prompt, answer) in rendered_items if prompt + max(room, answer) <= context]
    kept_pairs = [pair for pair, (prompt, answer) in rendered_pairs if prompt + answer <= context]
    too_long = len(rendered_items) + len(rendered_pairs) - len(kept_items) - len(kept_pairs)
    return PromptSet(
        kept_items,
        kept_pairs,
        room,
        too_long,
        refused=faults[REFUSED],
        with_control_tokens=faults[WITH_CONTROL_TOKENS],
        context=context,
    )


def _room(items: Sequence[tuple[Item, int]]) -> int:
    """New tokens for the answers to items, each with the tokens of its longest reference."""
    if any(not item.references for item, _ in items):
        return MAX_NEW_TOKENS
    longest = max((tokens for _, tokens in items), default=0)
    return min(MAX_NEW_TOKENS, max(MIN_NEW_TOKENS, math.ceil(ROOM * longest)))


def _tokens(
    tokenizer: Any, prompt: Sequence[Message], answers: Sequence[str], ends: frozenset[int], faults: Counter[str | None]
) -> tuple[int, int] | None:
    """Tokens of the prompt and of its longest answer; None, and counted, if they cannot be served.

    A template that serves another prompt than it trains is no fault here: the models answer what is served.
    """
    fault = row_fault(tokenizer, list(prompt), [[{"role": "assistant", "content": answer}] for answer in answers])
    if fault in (REFUSED, WITH_CONTROL_TOKENS):
        faults[fault] += 1
        return None
    _, sides = answer_ids(tokenizer, prompt, answers, ends)
    return len(prompt_ids(tokenizer, prompt)), max(map(len, sides), default=0)


def _all_scores(model: Any, tokenizer: Any, prompts: EvalPrompts, log: Log) -> EvalOutputs:
    benchmarks = {name: score_items(model, tokenizer, own, log) for name, own in prompts.benchmarks.items()}
    return EvalOutputs(score_items(model, tokenizer, prompts.held_out, log), benchmarks)


def _answers_alone(model: Any, tokenizer: Any, prompts: EvalPrompts, log: Log) -> EvalOutputs:
    """What the A/B report needs of a model without a role."""
    return EvalOutputs(answer_items(model, tokenizer, prompts.held_out, log), {})


def score_items(model: Any, tokenizer: Any, prompts: PromptSet, log: Log) -> ModelScores:
    """Answers, and log-probabilities of references and pairs."""
    asked: list[Question] = [(item.prompt, item.references) for item in prompts.items]
    compared: list[Question] = [(pair.prompt, (pair.chosen, pair.rejected)) for pair in prompts.pairs]
    scored = log_probabilities(model, tokenizer, asked + compared, log)
    return replace(
        answer_items(model, tokenizer, prompts, log),
        references=[score for scores in scored[: len(asked)] for score in scores],
        pairs=[(chosen, rejected) for chosen, rejected in scored[len(asked) :]],
    )


def answer_items(model: Any, tokenizer: Any, prompts: PromptSet, log: Log) -> ModelScores:
    """Answers alone."""
    generation = generate(model, tokenizer, [item.prompt for item in prompts.items], prompts.max_new_tokens, log)
    return ModelScores(generation=generation, references=[], pairs=[], latency=None)
