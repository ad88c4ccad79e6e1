"""The gateway against the same model server directly, in turns in one run: what it adds to each call.

`python -m rl_assets_tests.benchmarks.gateway [--calls 400] [--at-once 16]`. Model server and gateway are processes of
their own; the server streams an answer of twenty words, one each 20 ms, as a model would. Calls of both kinds alternate
in small blocks, so that both see the same machine. Times alone mean little, least of all on a busy machine: compare the
rows. The gateway's own CPU time per call does not depend on who else is running.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import psutil

from rl_assets.core.home import Home
from rl_assets.serving.routing import write_routing
from rl_assets_tests.support.gateways import CHAMPION, CHAMPION_ARM, arm, routing
from rl_assets_tests.support.servers import free_port, serving

WORDS = 20
BLOCK = 64


@dataclass(frozen=True)
class Times:
    """Of one call, in ms: to the first byte of the body, and to the last."""

    first: float
    last: float


@contextmanager
def servers(home: Home) -> Iterator[tuple[str, str]]:
    """The addresses of a model server and of a gateway in front of it."""
    model, gateway = free_port(), free_port()
    here = f"http://127.0.0.1:{model}"
    environment = {**os.environ, "RL_ASSETS_HOME": str(home.folder)}
    home.landing.mkdir(parents=True)
    write_routing(home, routing({CHAMPION_ARM: arm(here)}))
    with ExitStack() as stack:
        command = [sys.executable, "-m", "rl_assets_tests.support.model_server", str(model)]
        stack.enter_context(serving(command, here))
        command = [sys.executable, "-m", "rl_assets.serving.gateway", "--port", str(gateway)]
        stack.enter_context(serving(command, f"http://127.0.0.1:{gateway}/health", environment))
        yield here, f"http://127.0.0.1:{gateway}"


async def call(client: httpx2.AsyncClient, url: str, number: int) -> Times:
    """Ask for one streamed answer."""
    messages = [{"role": "user", "content": f"Question {number}: where is my order?"}]
    body = {"model": CHAMPION, "messages": messages, "stream": True, "words": WORDS}
    started = time.perf_counter()
    first = None
    async with client.stream("POST", f"{url}/v1/chat/completions", json=body) as answer:
        assert answer.status_code == 200, answer.status_code
        async for _ in answer.aiter_bytes():
            first = first or time.perf_counter()
    assert first is not None
    return Times((first - started) * 1000, (time.perf_counter() - started) * 1000)


async def block(client: httpx2.AsyncClient, url: str, at_once: int, start: int) -> list[Times]:
    """BLOCK calls, so many at once."""
    gate = asyncio.Semaphore(at_once)

    async def one(number: int) -> Times:
        async with gate:
            return await call(client, url, number)

    return await asyncio.gather(*(one(start + number) for number in range(BLOCK)))


async def measure(direct: str, gateway: str, calls: int, at_once: int) -> tuple[list[Times], list[Times]]:
    """Times of both kinds of calls, after a block of each to warm up."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=at_once)
    times: dict[str, list[Times]] = {direct: [], gateway: []}
    async with httpx2.AsyncClient(limits=limits, timeout=60) as client:
        for url in times:
            await block(client, url, at_once, 0)
        for start in range(0, calls, BLOCK):
            for url in (direct, gateway):
                times[url] += await block(client, url, at_once, start)
    return times[direct], times[gateway]


def cpu_seconds() -> float:
    """CPU time of the gateway that this process started."""
    [gateway] = [child for child in psutil.Process().children() if "rl_assets.serving.gateway" in child.cmdline()]
    times = gateway.cpu_times()
    return float(times.user + times.system)


def report(bare: list[Times], ours: list[Times]) -> Iterator[str]:
    """A line per quantity: both, the difference in ms, and the ratio."""
    for name, field, share in (
        ("first byte, median", "first", 50),
        ("first byte, p99", "first", 99),
        ("whole answer, median", "last", 50),
        ("whole answer, p99", "last", 99),
    ):
        direct, own = (float(np.percentile([getattr(each, field) for each in side], share)) for side in (bare, ours))
        added = f"added {own - direct:7.2f} ms  ratio {own / direct:5.2f}"
        yield f"{name:22} direct {direct:8.2f} ms  gateway {own:8.2f} ms  {added}"


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(prog="python -m rl_assets_tests.benchmarks.gateway", description=__doc__)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--at-once", type=int, default=16)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        with servers(home) as (direct, gateway):
            before = cpu_seconds()
            bare, ours = asyncio.run(measure(direct, gateway, given.calls, given.at_once))
            cpu_ms = (cpu_seconds() - before) * 1000 / (len(ours) + BLOCK)
        lines = sum(path.read_bytes().count(b"\n") for path in home.folder.glob("landing/*/*/*.jsonl"))
    print(f"{len(ours)} calls each, {given.at_once} at once, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("\n".join(report(bare, ours)))
    print(f"CPU time of the gateway: {cpu_ms:.2f} ms per call of {WORDS + 4} events")
    print(json.dumps({"lines landed": lines, "calls through the gateway": len(ours) + BLOCK}))


if __name__ == "__main__":
    main()
