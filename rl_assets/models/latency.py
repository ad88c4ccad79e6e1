"""How long one request takes: warm requests at batch 1, alone for each model and in turns for two.

Two models are one base in memory whose adapters are switched between requests, outside of what is timed.

Slow models are timed on fewer requests: none begins once BUDGET_S is spent, but for the first MIN_PROMPTS, and none
writes more than MAX_TIMED_TOKENS tokens.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.models.encoding import prompt_ids
from rl_assets.models.generation import greedy
from rl_assets.models.phase import Phase

REQUESTS = 24
WARM_UP = 3
WARM_UP_TOKENS = 8
EQUAL_WORK_TOKENS = 24
MAX_TIMED_TOKENS = 64
MIN_PROMPTS = 5
BUDGET_S = 10.0
# Gives the model with the adapter that is to be timed.
Switch = Callable[[], Any]


@dataclass(frozen=True)
class Latency:
    """Milliseconds per request, from prompt to whole answer, over `requests` warm requests at batch 1."""

    p50_ms: float
    p95_ms: float
    requests: int


def evenly_spaced(prompts: Sequence[Sequence[Message]], size: int = REQUESTS) -> list[Sequence[Message]]:
    """`size` prompts evenly over the list; fewer than `size` are repeated in turn. [] from []."""
    if not prompts:
        return []
    return [prompts[(index * len(prompts)) // size % len(prompts)] for index in range(size)]


def request_ms(model: Any, tokenizer: Any, ids: list[int], max_new: int, min_new: int = 0) -> float:
    """Wall time in ms of one request at batch 1, the device's queue emptied before and after."""
    _wait_for_device(model)
    started = time.perf_counter()
    greedy(model, tokenizer, [ids], max_new, min_new)
    _wait_for_device(model)
    return (time.perf_counter() - started) * 1000


def _wait_for_device(model: Any) -> None:
    if model.device.type == "cuda":
        import torch

        torch.cuda.synchronize(model.device)


def measure_latency(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[Message]], max_new: int, log: Callable[[str], None]
) -> Latency | None:
    """Latency over a spread sample of the prompts; None when there are none."""
    rows = [prompt_ids(tokenizer, prompt) for prompt in evenly_spaced(prompts)]
    if not rows:
        return None
    new = min(MAX_TIMED_TOKENS, max_new)
    for ids in rows[:WARM_UP]:
        request_ms(model, tokenizer, ids, min(WARM_UP_TOKENS, new))
    times = _within_budget(
        rows, lambda ids: request_ms(model, tokenizer, ids, new), Phase("timed requests", len(rows), log)
    )
    return Latency(statistics.median(times), percentile_95(times), len(times))


def _within_budget(rows: list[list[int]], measure: Callable[[list[int]], float], phase: Phase) -> list[float]:
    """The measure of each row, as many as the budget of time allows; of at least MIN_PROMPTS."""
    started, values = time.monotonic(), list[float]()
    for ids in rows:
        if len(values) >= MIN_PROMPTS and time.monotonic() - started > BUDGET_S:
            break
        values.append(measure(ids))
        phase.report(len(values))
    return values


def percentile_95(times: Sequence[float]) -> float:
    """95th percentile, interpolated between the two nearest times."""
    if len(times) == 1:
        return times[0]
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def paired_latency_ratios(
    ours: Switch,
    theirs: Switch,
    tokenizer: Any,
    prompts: Sequence[Sequence[Message]],
    max_new: int,
    equal_work: bool,
    log: Callable[[str], None],
) -> list[float]:
    """Ratio of our request time to theirs for each prompt of a spread sample; `ours` and `theirs` give the model.

    The two models take turns (ours, theirs, theirs, ours) and the faster of both runs counts, so a machine
    that gets busy meanwhile slows both alike. With `equal_work` each writes exactly EQUAL_WORK_TOKENS tokens.
    """
    new = min(EQUAL_WORK_TOKENS if equal_work else MAX_TIMED_TOKENS, max_new)
    min_new = new if equal_work else 0
    rows = [prompt_ids(tokenizer, prompt) for prompt in evenly_spaced(prompts)]
    for switch in (ours, theirs):
        for ids in rows[:WARM_UP]:
            request_ms(switch(), tokenizer, ids, min(WARM_UP_TOKENS, new))

    def ratio(ids: list[int]) -> float:
        turns = [request_ms(switch(), tokenizer, ids, new, min_new) for switch in (ours, theirs, theirs, ours)]
        return min(turns[0], turns[3]) / min(turns[1], turns[2])

    return _within_budget(rows, ratio, Phase("prompts timed in turns", len(rows), log))
