"""A service of two workers and a lander, all killed again and again while clients send acts until each is acknowledged.

What was acknowledged must be a row of `feedback`, once, after the real ingestion.
"""

import http.client
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from rl_assets.core.home import Home
from rl_assets.service.database import open_database
from rl_assets.service.landing import land
from rl_assets.service.store import Store
from rl_assets_tests.support.servers import free_port

CLIENTS = 8
WORKERS = 2
DEADLINE_S = 300
SERVE = ("-m", "uvicorn", "--factory", "rl_assets_tests.support.act_server:app", "--log-level", "warning")


@dataclass
class Outcome:
    """Ids by what became of them, and what was killed how often."""

    acknowledged: list[str] = field(default_factory=list)
    repeated: int = 0
    lost_replies: int = 0
    killed_workers: int = 0
    killed_landers: int = 0


def send_while_killing(home: Path, database: str | None, acts: int, kills: int, seed: int) -> Outcome:
    """Send acts by 8 clients while workers and landers are killed at `kills` points each, drawn with the seed; then
    land the rest."""
    drawn, outcome = random.Random(seed), Outcome()
    points = {point: drawn.choice(["worker", "lander"]) for point in drawn.sample(range(acts), kills)}
    with _serving(home, database) as (server, port), _landing(home, database) as lander:
        lock = threading.Lock()

        def send(number: int) -> None:
            status, lost = _send_until_acknowledged(port, number)
            with lock:
                outcome.acknowledged.append(f"act-{number}")
                outcome.lost_replies += lost
                outcome.repeated += status == http.client.OK
                target = points.get(len(outcome.acknowledged))
                if target == "worker":
                    outcome.killed_workers += _kill_worker(server, drawn)
                elif target == "lander":
                    outcome.killed_landers += lander.kill()

        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(send, range(acts)))
    store = Store(open_database(database, Home(home)))
    land(store, Home(home))
    store.database.close()
    return outcome


@contextmanager
def _serving(home: Path, database: str | None) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    environment = {**os.environ, "RL_ASSETS_HOME": str(home), "RL_ASSETS_SERVICE_LAND_SECONDS": "0"}
    if database:
        environment["RL_ASSETS_SERVICE_DATABASE"] = database
    command = [sys.executable, *SERVE, "--port", str(port), "--workers", str(WORKERS)]
    server = subprocess.Popen(command, env=environment)
    try:
        yield server, port
    finally:
        server.terminate()
        server.wait()


class Lander:
    """A process that lands all the time; killed, it is replaced by another one."""

    def __init__(self, home: Path, database: str | None) -> None:
        self._arguments = (home, database)
        self._process = self._start()

    def _start(self) -> multiprocessing.process.BaseProcess:
        process = multiprocessing.get_context("spawn").Process(target=_land_always, args=self._arguments, daemon=True)
        process.start()
        return process

    def kill(self) -> int:
        self.end()
        self._process = self._start()
        return 1

    def end(self) -> None:
        self._process.kill()
        self._process.join()


@contextmanager
def _landing(home: Path, database: str | None) -> Iterator[Lander]:
    lander = Lander(home, database)
    try:
        yield lander
    finally:
        lander.end()


def _land_always(home: Path, database: str | None) -> None:
    store = Store(open_database(database, Home(home)))
    while True:
        land(store, Home(home), wait_s=1)
        time.sleep(0.05)


def _kill_worker(server: subprocess.Popen[bytes], drawn: random.Random) -> int:
    """SIGKILL to one of the workers that run; the server starts another one."""
    workers = [child for child in psutil.Process(server.pid).children() if _is_worker(child)]
    if len(workers) < WORKERS:
        return 0
    drawn.choice(workers).send_signal(signal.SIGKILL)
    return 1


def _is_worker(process: psutil.Process) -> bool:
    """Whether it is neither dead nor the helper that `multiprocessing` starts besides."""
    try:
        return any("spawn_main" in part for part in process.cmdline())
    except psutil.NoSuchProcess:
        return False


def _send_until_acknowledged(port: int, number: int) -> tuple[int, int]:
    """The status of the acknowledging reply, and how many replies were lost before."""
    body = json.dumps(
        {
            "act_id": f"act-{number}",
            "kind": "thumbs",
            "value": number % 2,
            "interaction_id": f"answer-{number}",
            "rater": f"rater-{number % CLIENTS}",
            "comment": "Ünïcödé\nand a line",
            "created_at": datetime.now(UTC).isoformat(),
        }
    )
    until, lost = time.monotonic() + DEADLINE_S, 0
    while time.monotonic() < until:
        try:
            return _post(port, body), lost
        except (OSError, http.client.HTTPException):
            lost += 1
            time.sleep(0.2)
    raise TimeoutError(f"act {number} was not acknowledged within {DEADLINE_S} s")


def _post(port: int, body: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/acts", body.encode("utf-8"), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        text = reply.read()
    finally:
        connection.close()
    if reply.status not in (http.client.OK, http.client.CREATED):
        raise OSError(f"{reply.status} {text!r}")
    return reply.status
