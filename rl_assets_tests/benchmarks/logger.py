"""What logging an answer costs the product: `python -m rl_assets_tests.benchmarks.logger`.

10,000 calls in a row while the service, a process of its own, is alive, dead, hanging or answering 500. Beside them a
bare `queue.put`, and one of the answer made JSON twice: it takes as long, so a busy machine interrupts it as often.
CPU is that of the calling thread; what remains of the wall time is waiting for a core, or for our thread.
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


def microseconds(call: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Wall and CPU time of each call."""
    wall, cpu = [], []
    for _ in range(CALLS):
        start, start_cpu = time.perf_counter(), time.thread_time()
        call()
        wall.append((time.perf_counter() - start) * 1e6)
        cpu.append((time.thread_time() - start_cpu) * 1e6)
    return wall, cpu


def described(name: str, times: tuple[list[float], list[float]]) -> str:
    wall, cpu = (quantiles(part, n=1000) for part in times)
    slow = sum(time > 1000 for time in times[0]) / CALLS
    return (
        f"{name:16} p50 {wall[499]:7.1f}  p99 {wall[989]:8.1f} us, {slow:6.2%} over 1 ms; "
        f"CPU p50 {cpu[499]:6.1f}  p99 {cpu[989]:6.1f} us"
    )


def put_json(target: "queue.Queue[object]") -> None:
    for _ in range(2):
        line = json.dumps(ANSWER.fields()).encode()
    target.put(line)


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
    yield described("put of JSON", microseconds(lambda: put_json(bare)))
    for name, status in SERVICES.items():
        with tempfile.TemporaryDirectory() as spool, serving(status) as url:
            logger = InteractionLogger(url, spool=Path(spool))
            times = microseconds(lambda logger=logger: logger.log(ANSWER))
            logger.close()
        yield f"{described(name, times)}  dropped {logger.dropped}"


if __name__ == "__main__":
    for row in lines():
        print(row, flush=True)
