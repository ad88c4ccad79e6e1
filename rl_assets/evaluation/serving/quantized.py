"""An adapter on a base of 16, 8 or 4 bits per weight: speed, memory, and loss of quality."""

import gc
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

from rl_assets.evaluation.run.inputs import Item
from rl_assets.metrics.statistics import Interval, interval
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.encoding import prompt_ids
from rl_assets.models.generation import generate
from rl_assets.models.latency import WARM_UP, evenly_spaced, request_ms
from rl_assets.models.loading import device_map, load_tokenizer, quantization_config, require_same_base
from rl_assets.models.log_probabilities import log_probabilities
from rl_assets.models.runtime import has_gpu, peak_memory_bytes, start

Bits = Literal[16, 8, 4]
BITS: tuple[Bits, ...] = (16, 8, 4)
EQUAL_WORK_TOKENS = 24


@dataclass(frozen=True)
class Load:
    """A base of that many bits per weight with the adapter on it, as measured in its own process.

    Times are over `requests` warm requests at batch 1 of EQUAL_WORK_TOKENS tokens each. `weight_bytes` are those of
    all tensors held. `peak_bytes` is what the process took above what it had before loading: on the device, or
    resident, if loading needs more than serving. `nats` and `right` hold one value per held-out item.
    """

    bits: Bits
    requests: int
    ms_per_request: float
    ms_per_token: float
    tokens_per_s: float
    batched_tokens_per_s: float
    weight_bytes: int
    peak_bytes: int
    nats: list[float]
    right: list[float]


@dataclass(frozen=True)
class Comparison:
    """All loads, and for each but the first the differences of quality from 16 bits, with 95 % intervals."""

    loads: list[Load]
    nats_per_token: dict[int, Interval]
    exact_match: dict[int, Interval]

    def memory_ratio(self, load: Load) -> float:
        """How many times smaller the tensors are than with 16 bits, as measured."""
        return self.loads[0].weight_bytes / load.weight_bytes

    def rows(self) -> list[dict[str, Any]]:
        """One row per load, for a table or a file."""
        return [
            {name: value for name, value in asdict(load).items() if name not in ("nats", "right")}
            | {
                "memory_ratio": self.memory_ratio(load),
                "nats_per_token": statistics.fmean(load.nats),
                "exact_match": statistics.fmean(load.right),
                "nats_change": _interval_values(self.nats_per_token.get(load.bits)),
                "matches_change": _interval_values(self.exact_match.get(load.bits)),
            }
            for load in self.loads
        ]


def compare_loads(
    base: BaseModel, adapter: Adapter, items: Sequence[Item], max_new: int, log: Callable[[str], None]
) -> Comparison:
    """Measure every load on the held-out items (at least one), each in a fresh process, so that peaks are its own.

    WrongBaseModelError for another base's adapter.
    """
    require_same_base(base, adapter)
    if not items:
        raise ValueError("there is no held-out item to measure on: the SFT dataset's test split is empty")
    loads = []
    for bits in BITS:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            loads.append(process.submit(measure, base, adapter.folder, bits, list(items), max_new).result())
        log(
            f"{bits} bits: {loads[-1].ms_per_token:.2f} ms per token, {loads[-1].weight_bytes / 1e6:,.2f} MB of weights"
        )
    clusters = [item.cluster for item in items]
    return Comparison(
        loads,
        {load.bits: _change(loads[0].nats, load.nats, clusters) for load in loads[1:]},
        {load.bits: _change(loads[0].right, load.right, clusters) for load in loads[1:]},
    )


def _change(before: list[float], after: list[float], clusters: list[str]) -> Interval:
    differences = [new - old for old, new in zip(before, after, strict=True)]
    return interval(differences, clusters, against_zero=True)


def _interval_values(change: Interval | None) -> dict[str, float | None] | None:
    return {"mean": change.mean, "low": change.low, "high": change.high} if change else None


def measure(base: BaseModel, adapter: Path, bits: Bits, items: list[Item], max_new: int) -> Load:
    """One load, measured in this process, which should be fresh: the peak of a process never falls."""
    start(offline=True, seed=0)
    _import_all(bits)
    before = peak_memory_bytes()
    model, tokenizer = load(base, adapter, bits), load_tokenizer(base)
    tokenizer.padding_side = "left"
    times = _times(model, tokenizer, items)
    prompts = [item.prompt for item in items]
    answers = [(item.prompt, item.references[:1]) for item in items]
    generation = generate(model, tokenizer, prompts, max_new, _quiet)
    scored = log_probabilities(model, tokenizer, answers, _quiet)
    right = (answer.text in item.references for answer, item in zip(generation.answers, items, strict=True))
    ms = statistics.median(times)
    return Load(
        bits=bits,
        requests=len(times),
        ms_per_request=ms,
        ms_per_token=ms / EQUAL_WORK_TOKENS,
        tokens_per_s=1000 * EQUAL_WORK_TOKENS / ms,
        batched_tokens_per_s=generation.tokens_per_second,
        weight_bytes=weight_bytes(model),
        peak_bytes=peak_memory_bytes() - before,
        nats=[score.per_token for (score,) in scored],
        right=[float(value) for value in right],
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


def _times(model: Any, tokenizer: Any, items: Sequence[Item]) -> list[float]:
    """Milliseconds of each of about 24 warm requests, prompts evenly over the items, all of equal work."""
    rows = [prompt_ids(tokenizer, prompt) for prompt in evenly_spaced([item.prompt for item in items])]
    for ids in rows[:WARM_UP]:
        request_ms(model, tokenizer, ids, EQUAL_WORK_TOKENS, EQUAL_WORK_TOKENS)
    return [request_ms(model, tokenizer, ids, EQUAL_WORK_TOKENS, EQUAL_WORK_TOKENS) for ids in rows]


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


def _quiet(line: str) -> None:
    """A separate process reports when it ends."""
