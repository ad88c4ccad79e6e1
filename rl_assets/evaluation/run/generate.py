"""Ask every distinct model everything, with one model in memory at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rl_assets.evaluation.run.benchmarks import Benchmark
from rl_assets.evaluation.run.items import Item, Pair
from rl_assets.evaluation.run.model_scores import HeldOut, Log, ModelScores, answer_items, fit, score_items, score_model
from rl_assets.evaluation.run.models import Subjects
from rl_assets.models.encoding import context_length
from rl_assets.models.loading import free_memory, load_for_inference


@dataclass(frozen=True)
class Questions:
    """What was asked: the held-out items, and the items of each benchmark by its name."""

    held_out: HeldOut
    benchmarks: dict[str, HeldOut]


@dataclass(frozen=True)
class Answered:
    """One model's scores on all of them."""

    held_out: ModelScores
    benchmarks: dict[str, ModelScores]


def ask_models(
    subjects: Subjects, items: list[Item], pairs: list[Pair], benchmarks: Sequence[Benchmark], log: Log
) -> tuple[Questions, dict[str, Answered]]:
    """The questions, and answers by weights hash; the base comes first and says what its context can hold."""
    questions: Questions | None = None
    found: dict[str, Answered] = {}
    for weights, adapter in subjects.asked().items():
        model, tokenizer = load_for_inference(subjects.base, adapter)
        if questions is None:
            context = context_length(model)
            own = {benchmark.name: fit(benchmark.items, [], tokenizer, context) for benchmark in benchmarks}
            questions = Questions(fit(items, pairs, tokenizer, context), own)
        log(f"{subjects.label(adapter)}: {len(questions.held_out.items)} held-out prompts")
        ask = _everything if subjects.plays_a_role(adapter) else _answers
        found[weights] = ask(model, tokenizer, questions, log)
        del model
        free_memory()
    if questions is None:
        raise ValueError("no model to evaluate")
    return questions, found


def _everything(model: Any, tokenizer: Any, questions: Questions, log: Log) -> Answered:
    benchmarks = {name: score_items(model, tokenizer, own, log) for name, own in questions.benchmarks.items()}
    return Answered(score_model(model, tokenizer, questions.held_out, log), benchmarks)


def _answers(model: Any, tokenizer: Any, questions: Questions, log: Log) -> Answered:
    """What the A/B report needs of a model that plays no role."""
    return Answered(answer_items(model, tokenizer, questions.held_out, log), {})
