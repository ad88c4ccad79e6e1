"""What a process needs before and after torch is imported: environment, threads, seeds, device."""

import logging
import os
import sys
import warnings
from importlib.metadata import version

LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "safetensors")
MOST_CPU_THREADS = 8


def prepare_environment(*, offline: bool) -> None:
    """Set what libraries read while they are imported; call it before any of them is.

    `offline` keeps the Hugging Face libraries from asking the hub, which every local base model allows. Values that the
    user has set win.
    """
    # Threads that spin while they wait cost a shared CPU four fifths of its tokens per second.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    if offline:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")


def start(*, offline: bool, seed: int) -> None:
    """Environment, quiet libraries, CPU threads and all seeds: a process may call it as often as it likes."""
    prepare_environment(offline=offline)
    import datasets
    import torch
    import transformers

    # What these libraries deprecate in each other is not for the reader of a training log.
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers|trl|peft|rl_assets")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(cpu_threads())
    transformers.set_seed(seed)


def cpu_threads() -> int:
    """CPU threads that torch gets: the cores this process may use, at most 8 (more do not help small models)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_CPU_THREADS)


def has_gpu() -> bool:
    """Whether CUDA has a device that this process may use."""
    import torch

    return torch.cuda.is_available()


def device_name() -> str:
    """The device in words, for the adapter's manifest."""
    import torch

    return torch.cuda.get_device_name() if has_gpu() else f"cpu, {torch.get_num_threads()} threads"


def compute_dtype():
    """bfloat16 on a GPU, float32 on a CPU."""
    import torch

    return torch.bfloat16 if has_gpu() else torch.float32


def peak_memory_bytes() -> int:
    """Peak bytes so far: allocated on the GPU where there is one, else resident in this process since it started."""
    if has_gpu():
        import torch

        return torch.cuda.max_memory_allocated()
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide what training gives."""
    return {"python": sys.version.split()[0]} | {name: version(name) for name in LIBRARIES}
