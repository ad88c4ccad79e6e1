"""What benchmarks measure: wall times of two works in turns, as a ratio, and the peak memory of a process alone."""

import math
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import duckdb

MIB = 2**20


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def seconds_within_memory(work: Callable[[], Any]) -> float:
    """Wall time of one call; NaN where DuckDB's memory does not suffice."""
    try:
        return seconds(work)
    except duckdb.OutOfMemoryException:
        return math.nan


def compare(name: str, rows: int, baseline: Callable[[], Any], ours: Callable[[], Any], rounds: int) -> str:
    """A line of medians over rounds in which both run, one after the other; the baseline may run out of memory."""
    pairs = [(seconds_within_memory(baseline), seconds(ours)) for _ in range(rounds)]
    bare, own = (statistics.median(side) for side in zip(*pairs, strict=True))
    times = f"bare {bare:6.2f} s  ours {own:6.2f} s  ratio {own / bare:5.2f}"
    if math.isnan(bare):
        times = f"bare: out of memory  ours {own:6.2f} s"
    return f"{name:24} {rows:>9,} rows  {times}  {rows / own:>9,.0f} rows/s"


def alone(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float, float]:
    """What the work returns in a fresh process, with its wall time and the peak memory of that process in MiB."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(_measured, work, arguments).result()


def _measured(work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, float, float]:
    start = time.perf_counter()
    result = work(*arguments)
    return result, time.perf_counter() - start, peak_mib()


def peak_mib(process: int | str = "self") -> float:
    """The most memory that a program held; `ru_maxrss` would count its parent's too, since it outlives `exec`."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / MIB
