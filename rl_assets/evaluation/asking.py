"""Ask every distinct model everything, with one model in memory at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rl_assets.evaluation.benchmarks import Benchmark
from rl_assets.evaluation.encoding import context_length
from rl_assets.evaluation.items import Item, Pair
from rl_assets.evaluation.model_scores import HeldOut, Log, ModelScores, fit, free_memory, score_items, score_model
from rl_assets.evaluation.record import Role
from rl_assets.evaluation.report_parts import weights_sha256
from rl_assets.training.adapters import Adapter
from rl_assets.training.base_models import BaseModel
from rl_assets.training.loading import load_for_inference


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
    base: BaseModel,
    adapters: Mapping[Role, Adapter | None],
    items: list[Item],
    pairs: list[Pair],
    benchmarks: Sequence[Benchmark],
    log: Log,
) -> tuple[Questions, dict[str, Answered]]:
    """The questions, and answers by weights hash; the base comes first and says what its context can hold."""
    questions: Questions | None = None
    found: dict[str, Answered] = {}
    for role, adapter in adapters.items():
        if weights_sha256(base, adapter) in found:
            continue
        model, tokenizer = load_for_inference(base, adapter)
        if questions is None:
            context = context_length(model)
            own = {benchmark.name: fit(benchmark.items, [], tokenizer, context) for benchmark in benchmarks}
            questions = Questions(fit(items, pairs, tokenizer, context), own)
        log(f"{role}: {len(questions.held_out.items)} held-out prompts, {len(questions.held_out.pairs)} pairs")
        found[weights_sha256(base, adapter)] = Answered(
            score_model(model, tokenizer, questions.held_out, log),
            {name: score_items(model, tokenizer, asked, log) for name, asked in questions.benchmarks.items()},
        )
        del model
        free_memory()
    if questions is None:
        raise ValueError("no model to evaluate")
    return questions, found
