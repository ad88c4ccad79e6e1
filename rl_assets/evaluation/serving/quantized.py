"""An adapter on a base of 16, 8 or 4 bits per weight: speed, memory, and loss of quality by the report's metrics."""

import gc
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from rl_assets.evaluation.run.columns import AnyColumn, paired_difference
from rl_assets.evaluation.run.estimates import intervals, metric_columns
from rl_assets.evaluation.run.generate import ModelScores, PromptSet, fit_to_context, score_items
from rl_assets.evaluation.run.inputs import Item
from rl_assets.metrics.bleu import MAX_BLEU, BleuColumn
from rl_assets.metrics.statistics import Interval, exact_if_all_agree
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.encoding import prompt_ids
from rl_assets.models.latency import WARM_UP, evenly_spaced, request_ms
from rl_assets.models.loading import (
    chat_rules_of,
    device_map,
    keep_weights_unpacked,
    load_tokenizer,
    quantization_config,
    require_same_base,
)
from rl_assets.models.memory import explain_out_of_memory
from rl_assets.models.phase import Phase
from rl_assets.models.runtime import has_gpu, peak_memory_bytes, start
from rl_assets.recipes.chat_template import DEFAULT_RULES, ChatTemplateRecipe

Bits = Literal[16, 8, 4]
Log = Callable[[str], None]
BITS: tuple[Bits, ...] = (16, 8, 4)
EQUAL_WORK_TOKENS = 24
WAIT_S = 0.2


@dataclass(frozen=True)
class Load:
    """A base of that many bits per weight with the adapter on it, as measured in its own process.

    Times are over `requests` warm requests at batch 1 of EQUAL_WORK_TOKENS tokens each. `weight_bytes` are those of
    all tensors held. `peak_bytes` is what the process took above what it had before loading: on the device, or
    resident, if loading needs more than serving. `prompts` are the held-out items that fit the context.
    """

    bits: Bits
    requests: int
    ms_per_request: float
    ms_per_token: float
    tokens_per_s: float
    batched_tokens_per_s: float
    weight_bytes: int
    peak_bytes: int
    prompts: PromptSet
    scores: ModelScores

    @cached_property
    def columns(self) -> dict[str, AnyColumn]:
        """The report's metrics of its answers and of the references' probabilities."""
        return metric_columns(self.prompts, self.scores, None, None)

    def costs(self) -> dict[str, float]:
        """What was measured of speed and memory."""
        names = ("bits", "requests", "ms_per_request", "ms_per_token", "tokens_per_s", "batched_tokens_per_s")
        return {name: getattr(self, name) for name in (*names, "weight_bytes", "peak_bytes")}


@dataclass(frozen=True)
class Comparison:
    """All loads; those of fewer bits are compared with the first."""

    loads: list[Load]

    def memory_ratio(self, load: Load) -> float:
        """How many times smaller the tensors are than with 16 bits, as measured."""
        return self.loads[0].weight_bytes / load.weight_bytes

    def changes(self, load: Load) -> dict[str, Interval]:
        """Paired differences from 16 bits on each metric, with 95 % intervals; none of the first load.

        Where all clusters agree, the interval is exact: that no answer of 80 changed does not show that none will.
        """
        if load is self.loads[0]:
            return {}
        return {
            name: exact_if_all_agree(paired_difference(column, self.loads[0].columns[name]), _span(column))
            for name, column in load.columns.items()
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row per load, for a file."""
        return [
            load.costs()
            | {
                "memory_ratio": self.memory_ratio(load),
                "metrics": {name: _values(value) for name, value in intervals(load.columns).items()},
                "changes": {name: _values(value) for name, value in self.changes(load).items()},
            }
            for load in self.loads
        ]


def _span(column: AnyColumn) -> float | None:
    """The largest difference that two values of the metric can have; None without a bound."""
    if isinstance(column, BleuColumn):
        return MAX_BLEU
    return 1.0 if column.share else None


def _values(interval: Interval) -> dict[str, float | None]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def compare_loads(base: BaseModel, adapter: Adapter, items: Sequence[Item], log: Log) -> Comparison:
    """Measure every load on the held-out items (at least one), each in a fresh process, so that peaks are its own.

    WrongBaseModelError for another base's adapter; ValueError if no item fits the base's context; DeviceMemoryError if
    a load does not fit the memory.
    """
    require_same_base(base, adapter)
    if not items:
        raise ValueError("there is no held-out item to measure on: the SFT dataset's test split is empty")
    phase, loads = Phase("loads", len(BITS), log), []
    for bits in BITS:
        loads.append(_measure_apart(base, adapter, bits, list(items), log))
        log(
            f"{bits} bits: {loads[-1].ms_per_token:.2f} ms per token, {loads[-1].weight_bytes / 1e6:,.2f} MB of weights"
        )
        phase.report(len(loads))
    return Comparison(loads)


def _measure_apart(base: BaseModel, adapter: Adapter, bits: Bits, items: list[Item], log: Log) -> Load:
    """`measure` in a process of its own, whose lines come to `log` as they are written."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    with ProcessPoolExecutor(1, mp_context=context) as process:
        result = process.submit(_measure_and_send, sender, base, adapter.folder, bits, items, chat_rules_of(adapter))
        while not result.done() or receiver.poll():
            if receiver.poll(WAIT_S):
                log(f"{bits} bits: {receiver.recv()}")
        return result.result()


def _measure_and_send(
    sender: Connection, base: BaseModel, adapter: Path, bits: Bits, items: list[Item], rules: ChatTemplateRecipe
) -> Load:
    return measure(base, adapter, bits, items, sender.send, rules)


def measure(
    base: BaseModel,
    adapter: Path,
    bits: Bits,
    items: list[Item],
    log: Log,
    rules: ChatTemplateRecipe = DEFAULT_RULES,
) -> Load:
    """One load, measured in this process, which should be fresh: the peak of a process never falls."""
    start(offline=True, seed=0)
    _import_all(bits)
    before = peak_memory_bytes()
    with explain_out_of_memory(f"{base.name} in {bits} bits"):
        model, tokenizer = load(base, adapter, bits), load_tokenizer(base, rules)
        tokenizer.padding_side = "left"
        prompts = fit_to_context(tokenizer, model, items, [])
        if not prompts.items:
            raise ValueError(
                f"all {len(items)} held-out items are too long for the base's context of {prompts.context:,}"
            )
        times = _times(model, tokenizer, prompts.items, log)
        scores = score_items(model, tokenizer, prompts, log)
    ms = statistics.median(times)
    return Load(
        bits=bits,
        requests=len(times),
        ms_per_request=ms,
        ms_per_token=ms / EQUAL_WORK_TOKENS,
        tokens_per_s=1000 * EQUAL_WORK_TOKENS / ms,
        batched_tokens_per_s=scores.generation.tokens_per_second,
        weight_bytes=weight_bytes(model),
        peak_bytes=peak_memory_bytes() - before,
        prompts=prompts,
        scores=scores,
    )


def load(base: BaseModel, adapter: Path, bits: Bits) -> Any:
    """Base and adapter for inference. The adapter stays apart in every load: merged into 8 or 4 bits it would be
    rounded, and the loads would no longer differ by the base's weights alone.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    options: dict[str, Any] = {"dtype": torch.bfloat16, "device_map": device_map()}
    if bits != 16:
        options["quantization_config"] = quantization_config("int8" if bits == 8 else "nf4")
    model = AutoModelForCausalLM.from_pretrained(base.path, **options)
    if bits == 4:
        keep_weights_unpacked(model)
    return PeftModel.from_pretrained(model, str(adapter)).eval()


def weight_bytes(model: Any) -> int:
    """Bytes of all parameters and buffers, and of what dequantising the packed ones needs."""
    tensors = [*model.parameters(), *model.buffers()]
    states = [state for tensor in tensors if (state := getattr(tensor, "quant_state", None)) is not None]
    nested = [inner for state in states if (inner := getattr(state, "state2", None)) is not None]
    extra = [getattr(state, name, None) for state in (*states, *nested) for name in ("absmax", "code", "offset")]
    extra += [getattr(tensor, "SCB", None) for tensor in tensors]
    held = {tensor.data_ptr(): tensor.nbytes for tensor in (*tensors, *extra) if hasattr(tensor, "data_ptr")}
    return sum(held.values())


def _times(model: Any, tokenizer: Any, items: Sequence[Item], log: Log) -> list[float]:
    """Milliseconds of each of about 24 warm requests, prompts evenly over the items, all of equal work."""
    rows = [prompt_ids(tokenizer, prompt) for prompt in evenly_spaced([item.prompt for item in items])]
    for ids in rows[:WARM_UP]:
        request_ms(model, tokenizer, ids, EQUAL_WORK_TOKENS, EQUAL_WORK_TOKENS)
    phase, times = Phase("timed requests", len(rows), log), list[float]()
    for ids in rows:
        times.append(request_ms(model, tokenizer, ids, EQUAL_WORK_TOKENS, EQUAL_WORK_TOKENS))
        phase.report(len(times))
    return times


def _import_all(bits: Bits) -> None:
    """Import what loading needs, so that libraries do not count as the model's memory."""
    import peft
    import transformers

    libraries: list[Any] = [peft.PeftModel, transformers.AutoModelForCausalLM]
    if bits != 16 or has_gpu():
        from bitsandbytes.nn.modules import Linear4bit

        libraries.append(Linear4bit)
    assert all(libraries)
    gc.collect()
