"""What logging an answer costs the product: `python -m rl_assets_tests.benchmarks.logger`.

10,000 calls in a row while the service, a process of its own, is alive, dead, hanging or answering 500. Beside them a
bare `queue.put`, and one of the answer as JSON: it takes about as long, so a busy machine interrupts it as often.
"""

import contextlib
import json
import multiprocessing
import queue
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles

from rl_assets.logger import Interaction, InteractionLogger
from rl_assets_tests.support.log_service import Status, accepting, failing, hanging, log_service

CALLS = 10_000
ANSWER = Interaction(
    "Where is my order?",
    "It left our warehouse this morning. " * 30,
    quality_scores={"overall": 0.8, "relevance": 0.9},
    latency_ms=812.5,
    tools_used=["search", "orders"],
    sources=[{"page": f"docs/{i}.md", "score": 0.5} for i in range(5)],
    user_id="u-1",
    session_id="s-1",
    tokens_used=412,
)
SERVICES: dict[str, Status | None] = {"alive": accepting, "dead": None, "hanging": hanging, "failing": failing}


def microseconds(call: Callable[[], object]) -> list[float]:
    """The time of each call."""
    times = []
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e6)
    return times


def described(name: str, times: list[float]) -> str:
    permille = quantiles(times, n=1000)
    return f"{name:16} p50 {permille[499]:8.1f}  p99 {permille[989]:8.1f}  p99.9 {permille[998]:8.1f} us"


def serve(status: Status, pipe: Connection) -> None:
    """The service, until the other side says something."""
    with log_service(status) as service:
        pipe.send(service.url)
        pipe.recv()


@contextlib.contextmanager
def serving(status: Status | None) -> Iterator[str]:
    """The address of a service in a process of its own, or one at which nobody listens."""
    if status is None:
        yield "http://127.0.0.1:1"
        return
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(status, its), daemon=True)
    process.start()
    yield ours.recv()
    process.kill()
    process.join()


def lines() -> Iterator[str]:
    """The table: the baselines, then each state of the service."""
    bare: queue.Queue[object] = queue.Queue()
    yield described("queue.put", microseconds(lambda: bare.put(ANSWER)))
    yield described("put of JSON", microseconds(lambda: bare.put(json.dumps(ANSWER.fields()).encode())))
    for name, status in SERVICES.items():
        with tempfile.TemporaryDirectory() as spool, serving(status) as url:
            logger = InteractionLogger(url, spool=Path(spool))
            times = microseconds(lambda logger=logger: logger.log(ANSWER))
            logger.close()
        yield f"{described(name, times)}  dropped {logger.dropped}"


if __name__ == "__main__":
    for row in lines():
        print(row, flush=True)
