"""Generation and scoring: every distinct model on held-out items and benchmarks, one model in memory at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.evaluation.run.inputs import Benchmark, Item, Pair
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.models.encoding import answer_ids, context_length, prompt_ids
from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.generation import Generation, generate
from rl_assets.models.latency import Latency, measure_latency
from rl_assets.models.loading import free_memory, load_for_inference
from rl_assets.models.log_probabilities import LogProbability, log_probabilities

Log = Callable[[str], None]
Question = tuple[Sequence[Message], Sequence[str]]
MIN_NEW_TOKENS = 48
MAX_NEW_TOKENS = 512


@dataclass(frozen=True)
class PromptSet:
    """Items and pairs that fit the model's context; `too_long` counts those that do not and were dropped.

    `refused` counts those that the chat template does not render; they were dropped too.
    """

    items: list[Item]
    pairs: list[Pair]
    max_new_tokens: int
    too_long: int
    refused: int = 0


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
class EvalOutputs:
    """One model's scores on the same sets; `fresh` only of the models that the decision compares."""

    held_out: ModelScores
    benchmarks: dict[str, ModelScores]
    fresh: ModelScores | None = None


def generate_and_score(
    models: EvaluatedModels,
    items: list[Item],
    pairs: list[Pair],
    benchmarks: Sequence[Benchmark],
    fresh: list[Item],
    log: Log,
) -> tuple[EvalPrompts, dict[str, EvalOutputs]]:
    """The prompts, and outputs by weights hash; the base comes first, and its context decides which prompts fit."""
    prompts: EvalPrompts | None = None
    outputs: dict[str, EvalOutputs] = {}
    for weights, adapter in models.distinct().items():
        model, tokenizer = load_for_inference(models.base, adapter)
        if prompts is None:
            context = context_length(model)
            ends = end_of_turn_ids(tokenizer, model)
            own = {mark.name: fit_to_context(mark.items, [], tokenizer, context, ends) for mark in benchmarks}
            new = fit_to_context(fresh, [], tokenizer, context, ends)
            prompts = EvalPrompts(fit_to_context(items, pairs, tokenizer, context, ends), own, new)
        log(f"{models.label(adapter)}: {len(prompts.held_out.items)} held-out prompts")
        score = _all_scores if models.has_role(adapter) else _answers_alone
        outputs[weights] = score(model, tokenizer, prompts, log)
        if prompts.fresh.items and weights in models.weights_compared():
            answers = answer_items(model, tokenizer, prompts.fresh, log)
            outputs[weights] = replace(outputs[weights], fresh=answers)
        del model
        free_memory()
    if prompts is None:
        raise ValueError("no model to evaluate")
    return prompts, outputs


def fit_to_context(
    items: Sequence[Item], pairs: Sequence[Pair], tokenizer: Any, context: int, ends: frozenset[int]
) -> PromptSet:
    """Drop what the model's context cannot hold, and give answers room for twice the longest reference.

    The room is between 48 and 512 new tokens: an answer that needs more is not the expected one. What the chat
    template refuses (two turns of one role, a system turn) is dropped too, and counted apart.
    """
    item_tokens = [_tokens(tokenizer, item.prompt, item.references, ends) for item in items]
    pair_tokens = [_tokens(tokenizer, pair.prompt, (pair.chosen, pair.rejected), ends) for pair in pairs]
    references = [tokens[1] for tokens in item_tokens if tokens]
    room = min(MAX_NEW_TOKENS, max(MIN_NEW_TOKENS, 2 * max(references, default=0)))
    rendered_items = [(item, t) for item, t in zip(items, item_tokens, strict=True) if t]
    rendered_pairs = [(pair, t) for pair, t in zip(pairs, pair_tokens, strict=True) if t]
    kept_items = [item for item, (prompt, answer) in rendered_items if prompt + max(room, answer) <= context]
    kept_pairs = [pair for pair, (prompt, answer) in rendered_pairs if prompt + answer <= context]
    rendered = len(rendered_items) + len(rendered_pairs)
    too_long = rendered - len(kept_items) - len(kept_pairs)
    return PromptSet(kept_items, kept_pairs, room, too_long, refused=len(items) + len(pairs) - rendered)


def _tokens(
    tokenizer: Any, prompt: Sequence[Message], answers: Sequence[str], ends: frozenset[int]
) -> tuple[int, int] | None:
    """Tokens of the prompt and of its longest answer; None if the chat template refuses the conversation."""
    from jinja2 import TemplateError

    try:
        _, sides = answer_ids(tokenizer, prompt, answers, ends)
        return len(prompt_ids(tokenizer, prompt)), max(map(len, sides), default=0)
    except TemplateError:
        return None


def _all_scores(model: Any, tokenizer: Any, prompts: EvalPrompts, log: Log) -> EvalOutputs:
    benchmarks = {name: score_items(model, tokenizer, own, log) for name, own in prompts.benchmarks.items()}
    return EvalOutputs(score_model(model, tokenizer, prompts.held_out, log), benchmarks)


def _answers_alone(model: Any, tokenizer: Any, prompts: EvalPrompts, log: Log) -> EvalOutputs:
    """What the A/B report needs of a model without a role."""
    return EvalOutputs(answer_items(model, tokenizer, prompts.held_out, log), {})


def score_model(model: Any, tokenizer: Any, prompts: PromptSet, log: Log) -> ModelScores:
    """Answers, log-probabilities of references and pairs, and the latency of warm requests."""
    scores = score_items(model, tokenizer, prompts, log)
    messages = [item.prompt for item in prompts.items]
    return replace(scores, latency=measure_latency(model, tokenizer, messages, prompts.max_new_tokens, log))


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
