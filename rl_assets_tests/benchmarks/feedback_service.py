"""Acts that the feedback service acknowledges per second, against bare SQLite that commits the same rows one by one.

Both run in this run, in turns, on one disk. Then 20 raters act at a human pace, and each waits for the reply.
`python -m rl_assets_tests.benchmarks.feedback_service`
"""

import argparse
import http.client
import json
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rl_assets_tests.support.servers import free_port, serving

TEXT = "An answer that a person wrote better. " * 30
RATERS = 20
SECONDS_BETWEEN_ACTS = 1.0
SERVE = ("-m", "uvicorn", "--factory", "rl_assets_tests.support.act_server:app", "--log-level", "warning")


def main() -> None:
    """Print a line for each round, and one for the raters."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--acts", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=RATERS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20, help="how long the raters act")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _service(Path(folder), given.workers) as port:
        ratios = []
        for number in range(given.rounds):
            bare = given.acts / _bare(Path(folder) / f"bare-{number}.db", given.acts)
            ours = given.acts / _saturated(port, given.acts, given.clients, f"round-{number}")
            ratios.append(ours / bare)
            print(f"bare {bare:7,.0f} commits/s  ours {ours:7,.0f} acts/s  ratio {ratios[-1]:.2f}", flush=True)
        print(f"median ratio {statistics.median(ratios):.2f} ({given.clients} clients, {given.workers} workers)")
        waits = sorted(_raters(port, given.seconds))
        p50, p99 = (waits[int(len(waits) * share)] * 1000 for share in (0.5, 0.99))
        print(f"{RATERS} raters, {len(waits)} acts: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


@contextmanager
def _service(home: Path, workers: int) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, *SERVE, "--port", str(port), "--workers", str(workers)]
    with serving(command, f"http://127.0.0.1:{port}/", {**os.environ, "RL_ASSETS_HOME": str(home)}):
        # The server that answered is one of several: the others may still be starting.
        time.sleep(5)
        yield port


def _bare(path: Path, rows: int) -> float:
    """Seconds for commits of one row each, as durable as ours."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE acts (id TEXT PRIMARY KEY, line TEXT)")
        start = time.perf_counter()
        for number in range(rows):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO acts VALUES (?, ?)", (str(number), _body("bare", number)))
            connection.execute("COMMIT")
        return time.perf_counter() - start


def _saturated(port: int, acts: int, clients: int, prefix: str) -> float:
    """Seconds until all acts are acknowledged to clients that send the next one at once."""

    def send(client: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            for number in range(client, acts, clients):
                _post(connection, _body(prefix, number))

    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(send, range(clients)))
    return time.perf_counter() - start


def _raters(port: int, seconds: float) -> list[float]:
    """Seconds that each act of 20 raters waited for its reply."""

    def act(rater: int) -> list[float]:
        drawn, waits = random.Random(rater), []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            time.sleep(drawn.expovariate(1 / SECONDS_BETWEEN_ACTS))
            start = time.perf_counter()
            # The server closes connections that are idle for some seconds.
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                _post(connection, _body(f"rater-{rater}", len(waits)))
            waits.append(time.perf_counter() - start)
        return waits

    with ThreadPoolExecutor(RATERS) as pool:
        return [wait for waits in pool.map(act, range(RATERS)) for wait in waits]


def _post(connection: http.client.HTTPConnection, body: str) -> None:
    connection.request("POST", "/acts", body.encode("utf-8"), {"Content-Type": "application/json"})
    reply = connection.getresponse()
    text = reply.read()
    if reply.status != http.client.CREATED:
        raise SystemExit(f"an act was not acknowledged: {reply.status} {text!r}")


def _body(prefix: str, number: int) -> str:
    act = {
        "act_id": f"{prefix}-{number}",
        "kind": "correction",
        "interaction_id": f"answer-{number}",
        "rater": prefix,
        "preferred": TEXT,
        "created_at": datetime.now(UTC).isoformat(),
    }
    return json.dumps(act)


if __name__ == "__main__":
    main()
