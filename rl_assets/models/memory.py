"""How many rows are worked on at a time: a size to start from by the model and free memory, halved when it runs out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from rl_assets.models.encoding import length_sorted

# The share of free memory that one batch may take; the rest is for what the estimate does not know.
SHARE = 0.5
# A CPU scores nothing faster with more at a time, and a longer batch says for long nothing of its progress. Answers are
# faster in larger batches: each token of a batch reads all weights.
MAX_CPU_TOKENS = 8192
MAX_CPU_ANSWER_TOKENS = 16384
# Bytes of a logit: as the model gives it, in float32, and its logarithm.
LOGIT_BYTES = 12
CGROUP = Path("/sys/fs/cgroup")
REMEDY = (
    "Use a recipe that quantizes the base (quantization: nf4, as qlora_7b does), a smaller base model, or a device "
    "with more memory, and look for other processes on it (nvidia-smi)."
)
# Torch has an error of its own for CUDA alone.
SIGNS = ("CUDA out of memory", "can't allocate memory", "not enough memory")
T = TypeVar("T")


class DeviceMemoryError(RuntimeError):
    """The model, or one row of it, does not fit the memory; trying again changes nothing."""


@contextmanager
def explain_out_of_memory(what: str) -> Iterator[None]:
    """Raise DeviceMemoryError in place of torch's error of memory that ran out; other errors pass."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, DeviceMemoryError) or not is_out_of_memory(error):
            raise
        raise DeviceMemoryError(f"{what} does not fit the memory ({_first_line(error)}). {REMEDY}") from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch could not get the memory that it asked for, on a GPU or a CPU."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in SIGNS)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(".")[:200] if str(error) else type(error).__name__


def run_in_batches(
    lengths: Sequence[int],
    rows_that_fit: Callable[[int], int],
    run: Callable[[list[int], int], Sequence[T]],
    log: Callable[[str], None],
) -> list[T]:
    """What `run` gives for each row: it is called with indices of a batch and the number of rows done before.

    The longest rows come first, so padding is short and memory peaks at once. `rows_that_fit` says how many of a length
    to start with; whenever memory runs out, batches are halved. DeviceMemoryError if a single row does not fit.
    """
    order, shrunk = length_sorted(lengths), 1
    results: dict[int, T] = {}
    while order:
        length = lengths[order[0]]
        size = max(1, min(rows_that_fit(length) // shrunk, len(order)))
        values = _unless_memory_runs_out(run, order[:size], len(results), length)
        if values is None:
            shrunk = _halved(shrunk, rows_that_fit(length), size)
            log(f"memory ran out with {size} rows of up to {length:,} tokens: going on with {size // 2} at a time")
            free_memory()
            continue
        results.update(zip(order[:size], values, strict=True))
        order = order[size:]
    return [results[row] for row in range(len(lengths))]


def _halved(shrunk: int, fitting: int, size: int) -> int:
    """A divisor of what should fit by which at most half of `size` rows are next."""
    return max(2 * shrunk, -(-fitting // max(1, size // 2)))


def _unless_memory_runs_out(
    run: Callable[[list[int], int], Sequence[T]], rows: list[int], done: int, length: int
) -> Sequence[T] | None:
    """None if memory ran out, and rows are left to halve. What the failed attempt held is free on return."""
    try:
        return run(rows, done)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        if len(rows) == 1:
            raise DeviceMemoryError(
                f"A single row of {length:,} tokens does not fit the memory ({_first_line(error)}). {REMEDY}"
            ) from error
        return None


def rows_within_memory(
    model: Any, tokens: int, logits: int, max_rows: int, max_cpu_tokens: int = MAX_CPU_TOKENS
) -> int:
    """How many rows of so many tokens should fit: at least one, at most `max_rows`, a power of two.

    `logits` is the number of positions of a row whose logits are held at once.
    """
    fitting = min(max_rows, int(SHARE * free_bytes(model.device)) // row_bytes(model, tokens, logits))
    if model.device.type == "cpu":
        fitting = min(fitting, max_cpu_tokens // tokens)
    # A power of two, so that what else is in memory changes few sizes, and with them the rounding of sums.
    return 1 << (max(1, fitting).bit_length() - 1)


def row_bytes(model: Any, tokens: int, logits: int) -> int:
    """Bytes of one row: keys and values of all layers, one layer's activations, the mask, and the logits."""
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    kept_heads = getattr(config, "num_key_value_heads", None) or heads
    head = getattr(config, "head_dim", None) or config.hidden_size // heads
    inner = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    cache = 2 * config.num_hidden_layers * kept_heads * head
    activations = 8 * config.hidden_size + 3 * inner
    mask = 4 * tokens
    return int(
        tokens * ((cache + activations) * model.dtype.itemsize + mask) + logits * config.vocab_size * LOGIT_BYTES
    )


def free_bytes(device: Any) -> int:
    """Bytes that may be taken on a torch device: of a GPU what its driver or torch's own cache has free."""
    if device.type == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    return free_host_bytes()


def free_host_bytes() -> int:
    """Bytes of the machine's memory that may be taken, within the limit of the container if there is one."""
    import psutil

    available = int(psutil.virtual_memory().available)
    limit, used = (_number(CGROUP / name) for name in ("memory.max", "memory.current"))
    return available if limit is None or used is None else max(0, min(available, limit - used))


def _number(file: Path) -> int | None:
    """What a file of control groups holds; None without one, or if it says "max"."""
    text = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
    return int(text) if text.isdigit() else None


def free_memory() -> None:
    """Give dropped tensors' memory back before more is taken."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
