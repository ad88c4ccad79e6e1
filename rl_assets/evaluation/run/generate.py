"""Generation and scoring: every distinct model on held-out items and benchmarks, one model in memory at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.evaluation.run.inputs import Benchmark, Item, Pair
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.models.encoding import completion_ids, context_length, prompt_ids
from rl_assets.models.generation import Generation, generate
from rl_assets.models.latency import Latency, measure_latency
from rl_assets.models.loading import free_memory, load_for_inference
from rl_assets.models.log_probabilities import LogProbability, log_probabilities

Log = Callable[[str], None]
MIN_NEW_TOKENS = 48
MAX_NEW_TOKENS = 512


@dataclass(frozen=True)
class PromptSet:
    """Items and pairs that fit the model's context; `too_long` counts those that do not and were dropped."""

    items: list[Item]
    pairs: list[Pair]
    max_new_tokens: int
    too_long: int


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
            own = {benchmark.name: fit_to_context(benchmark.items, [], tokenizer, context) for benchmark in benchmarks}
            new = fit_to_context(fresh, [], tokenizer, context)
            prompts = EvalPrompts(fit_to_context(items, pairs, tokenizer, context), own, new)
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


def fit_to_context(items: Sequence[Item], pairs: Sequence[Pair], tokenizer: Any, context: int) -> PromptSet:
    """Drop what the model's context cannot hold, and give answers room for twice the longest reference.

    The room is between 48 and 512 new tokens: an answer that needs more is not the expected one.
    """
    references = [len(completion_ids(tokenizer, i.prompt, r)) for i in items for r in i.references]
    room = min(MAX_NEW_TOKENS, max(MIN_NEW_TOKENS, 2 * max(references, default=0)))
    kept_items = [i for i in items if _tokens(tokenizer, i.prompt, i.references, room) <= context]
    kept_pairs = [p for p in pairs if _tokens(tokenizer, p.prompt, (p.chosen, p.rejected), 0) <= context]
    too_long = len(items) + len(pairs) - len(kept_items) - len(kept_pairs)
    return PromptSet(kept_items, kept_pairs, room, too_long)


def _tokens(tokenizer: Any, prompt: Sequence[Message], answers: Sequence[str], room: int) -> int:
    max_answer = max((len(completion_ids(tokenizer, prompt, answer)) for answer in answers), default=0)
    return len(prompt_ids(tokenizer, prompt)) + max(room, max_answer)


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
    return replace(scores, latency=measure_latency(model, tokenizer, messages, prompts.max_new_tokens))


def score_items(model: Any, tokenizer: Any, prompts: PromptSet, log: Log) -> ModelScores:
    """Answers, and log-probabilities of references and pairs."""
    references = [(item.prompt, text) for item in prompts.items for text in item.references]
    sides = [(pair.prompt, text) for pair in prompts.pairs for text in (pair.chosen, pair.rejected)]
    scored = log_probabilities(model, tokenizer, references + sides, log)
    side_scores = scored[len(references) :]
    return replace(
        answer_items(model, tokenizer, prompts, log),
        references=scored[: len(references)],
        pairs=list(zip(side_scores[::2], side_scores[1::2], strict=True)),
    )


def answer_items(model: Any, tokenizer: Any, prompts: PromptSet, log: Log) -> ModelScores:
    """Answers alone."""
    generation = generate(model, tokenizer, [item.prompt for item in prompts.items], prompts.max_new_tokens, log)
    return ModelScores(generation=generation, references=[], pairs=[], latency=None)
