"""Requests timed: each model alone, and the model under decision in turns with the one that it would replace.

Adapters are merged into the base as they are served, all after the last answer, since merging rounds the weights. On a
quantized base they stay apart, and the base alone is timed with an adapter of no effect: like is compared with like.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from rl_assets.evaluation.run.generate import EvalOutputs, EvalPrompts
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.evaluation.schema.report import LatencyRatio
from rl_assets.metrics.statistics import median_interval
from rl_assets.models.adapters import Adapter
from rl_assets.models.latency import Switch, measure_latency, paired_latency_ratios
from rl_assets.models.switching import SwitchedModels

Log = Callable[[str], None]


def with_latency(
    models: EvaluatedModels,
    loaded: SwitchedModels,
    prompts: EvalPrompts,
    outputs: Mapping[str, EvalOutputs],
    log: Log,
) -> dict[str, EvalOutputs]:
    """The outputs, with the latency of each model that has a role."""
    messages = [item.prompt for item in prompts.held_out.items]
    timed = dict(outputs)
    for weights, adapter in models.distinct().items():
        if models.has_role(adapter):
            log(f"{models.label(adapter)}: timing requests")
            switch = _switch(loaded, adapter, models.candidate)
            latency = measure_latency(switch(), loaded.tokenizer, messages, prompts.held_out.max_new_tokens, log)
            held_out = replace(outputs[weights].held_out, latency=latency)
            timed[weights] = replace(outputs[weights], held_out=held_out)
    return timed


def latency_ratio(
    models: EvaluatedModels, loaded: SwitchedModels, prompts: EvalPrompts, log: Log
) -> LatencyRatio | None:
    """Request time against the champion as users would feel it; against the base only at equal work."""
    roles, held_out = models.roles(), prompts.held_out
    champion, against, ours = models.comparable_champion, models.against, models.decided
    candidate = roles[ours]
    if not held_out.items or candidate is None or len(models.weights_compared()) < 2:
        return None
    log(f"timing requests of the {ours} and the {against} in turns")
    ratios = paired_latency_ratios(
        _switch(loaded, candidate, candidate),
        _switch(loaded, champion, candidate),
        loaded.tokenizer,
        [item.prompt for item in held_out.items],
        held_out.max_new_tokens,
        equal_work=champion is None,
        log=log,
    )
    return LatencyRatio(ours=ours, against=against, ratio=median_interval(ratios), equal_work=champion is None)


def _switch(loaded: SwitchedModels, adapter: Adapter | None, like: Adapter) -> Switch:
    """Gives the model with the adapter as it is served; the base at the cost of an adapter such as `like`."""
    return partial(loaded.as_served, adapter) if adapter else partial(loaded.base_at_the_cost_of, like)
