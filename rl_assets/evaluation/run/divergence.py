"""How far a model has moved from its base, on its own answers: log p(answer) - log p_base(answer), in nats per answer.

A metric that an adapter can be optimised against is right near the base and wrong far from it: the true quality rises
at first and then falls, a sqrt(KL) - b KL (Gao et al. 2023, arXiv:2210.10760). Simplified: greedy answers rather than
sampled ones, so this is not the KL divergence itself but its integrand at a likely answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rl_assets.evaluation.run.generate import Divergences, EvalOutputs, EvalPrompts, ModelScores, PromptSet
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.models.adapters import Adapter
from rl_assets.models.encoding import answer_ids, context_length
from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.log_probabilities import log_probabilities
from rl_assets.models.switching import SwitchedModels

Log = Callable[[str], None]
Question = tuple[Sequence[Any], Sequence[str]]


def with_divergences(
    models: EvaluatedModels, loaded: SwitchedModels, prompts: EvalPrompts, outputs: dict[str, EvalOutputs], log: Log
) -> dict[str, EvalOutputs]:
    """The outputs, with the divergences of the adapters that may be promoted, and of the champion."""
    roles = models.roles()
    wanted = [adapter for role in (models.decided, "parent", "champion") if (adapter := roles.get(role))]
    found = {adapter.sha256: _divergences(loaded, adapter, prompts, outputs[adapter.sha256], log) for adapter in wanted}
    return outputs | {weights: replace(outputs[weights], divergences=value) for weights, value in found.items()}


def _divergences(
    loaded: SwitchedModels, adapter: Adapter, prompts: EvalPrompts, outputs: EvalOutputs, log: Log
) -> Divergences:
    held_out = _of_answers(loaded, adapter, prompts.held_out, outputs.held_out, log)
    fresh = _of_answers(loaded, adapter, prompts.fresh, outputs.fresh, log) if outputs.fresh else None
    return Divergences(held_out, fresh)


def _of_answers(
    loaded: SwitchedModels, adapter: Adapter, prompts: PromptSet, scores: ModelScores, log: Log
) -> list[float | None]:
    """One value per prompt; None where answer and end token do not fit the context, as of one that was cut off."""
    answers = zip(prompts.items, scores.generation.answers, strict=True)
    questions: list[Question] = [(item.prompt, (answer.text,)) for item, answer in answers]
    fitting = [row for row, question in enumerate(questions) if _fits(loaded, question)]
    kept = [questions[row] for row in fitting]
    log(f"{len(kept)} answers of {adapter.kind} {adapter.inputs_hash[:8]} by itself and by the base")
    own, base = (
        [score.total for (score,) in log_probabilities(loaded.switch_to(model), loaded.tokenizer, kept, log)]
        for model in (adapter, None)
    )
    values = dict(zip(fitting, (a - b for a, b in zip(own, base, strict=True)), strict=True))
    return [values.get(row) for row in range(len(questions))]


def _fits(loaded: SwitchedModels, question: Question) -> bool:
    ends = end_of_turn_ids(loaded.tokenizer, loaded.model)
    prompt, (answer,) = answer_ids(loaded.tokenizer, question[0], question[1], ends)
    return len(prompt) + len(answer) <= context_length(loaded.model)
