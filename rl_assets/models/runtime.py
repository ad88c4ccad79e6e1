"""What a process needs before and after torch is imported: environment, threads, seeds, device."""

import logging
import os
import platform
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rl_assets.settings import load_settings

LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "safetensors")
MAX_CPU_THREADS = 8
# On Linux, where getrusage would count the peak of the process that started this one, too.
PROCESS_STATUS = Path("/proc/self/status")


def prepare_environment(*, offline: bool) -> None:
    """Set what libraries read while they are imported; call it before any of them is.

    `offline` keeps the Hugging Face libraries from calling the hub, which no local base model needs. Values that
    the user has set win.
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


def cpu_threads(processes: int | None = None) -> int:
    """CPU threads that torch gets: OMP_NUM_THREADS, else its share of the cores, at most 8 (more do not help).

    The share is that of one of `processes`, by default of those that train together now.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores // (processes or process_count()), MAX_CPU_THREADS))


def has_gpu() -> bool:
    """Whether CUDA has a device that this process may use."""
    import torch

    return torch.cuda.is_available()


def gpu_count() -> int:
    """CUDA devices that this process may use."""
    import torch

    return torch.cuda.device_count()


def describe_host() -> str:
    """Host, process and visible GPUs of this process for a log: a cluster decides all three."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    visible = "all GPUs of the machine" if allowed is None else f"GPUs {allowed}" if allowed else "no GPU"
    return f"process {os.getpid()} on {platform.node()}, which may use {visible}"


def process_count() -> int:
    """Processes that train together, this one included, as their launcher says."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Whether this is the one of them that writes files and log lines."""
    return os.environ.get("RANK", "0") == "0"


def shares_temporary_files() -> bool:
    """Whether what a trainer keeps in its process's temporary folder is there for all that train: one process alone.

    TRL has the main process write precomputed log-probabilities, and all read them.
    """
    return process_count() == 1


def device_name() -> str:
    """The devices in words, for the adapter's manifest."""
    import torch

    threads = torch.get_num_threads()
    precision = ", bfloat16" if computes_in_bfloat16() else ""
    device = torch.cuda.get_device_name() if has_gpu() else f"cpu, {threads} thread{'s' * (threads > 1)}{precision}"
    return device if process_count() == 1 else f"{process_count()} x {device}"


def compute_dtype() -> Any:
    """bfloat16 on a GPU, and on a CPU where the settings ask for it and the CPU has it; else float32."""
    import torch

    return torch.bfloat16 if computes_in_bfloat16() else torch.float32


def computes_in_bfloat16() -> bool:
    """Whether `compute_dtype` is bfloat16."""
    return has_gpu() or (load_settings().cpu_bfloat16 and has_native_bfloat16())


def has_native_bfloat16() -> bool:
    """Whether the CPU multiplies matrices of bfloat16 itself; emulated, they take longer than those of float32."""
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def peak_memory_bytes() -> int:
    """Peak bytes so far: allocated on the GPU if there is one, else resident in this process since it started."""
    if has_gpu():
        import torch

        return torch.cuda.max_memory_allocated()
    if PROCESS_STATUS.exists():
        return int(PROCESS_STATUS.read_text(encoding="utf-8").split("VmHWM:")[1].split()[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide the weights."""
    return {"python": sys.version.split()[0]} | {name: version(name) for name in LIBRARIES}
