"""What one `/rl/route` takes, over HTTP and inside the service, for many categories and arms.

Beside it stands `/health`, asked in turns: what HTTP alone takes on this machine.
`python -m rl_assets_tests.benchmarks.route`
"""

import argparse
import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rl_assets.core.home import Home
from rl_assets.routing.learned import LearnedShares, write_learned
from rl_assets.service.route_policies import RoutePolicies
from rl_assets.service.route_requests import RouteRequest, choose_arm
from rl_assets.serving.routing import Arm, Routing, write_routing
from rl_assets_tests.support.servers import free_port, serving

SERVICE = ("-m", "rl_assets.service", "--port")
QUESTION = "How do I install the pump of block 7, and which of the two seals belongs to it?"


def main() -> None:
    """Print a line for each door, with `routing.json` and with learned shares alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3_000)
    parser.add_argument("--categories", type=int, default=50)
    parser.add_argument("--arms", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        shares = {f"arm-{number}@base": 1 / given.arms for number in range(given.arms)}
        by_category = dict.fromkeys(("*", *(f"category {each}" for each in range(given.categories))), shares)
        write_learned(home, LearnedShares(day="2026-10-01", salt="a salt of tests", shares={"product": by_category}))
        _measure("learned shares", home, given.calls)
        arm = Arm(agent="assistant", endpoint="local", urls=["http://127.0.0.1:1"], model="base", role="base")
        arms = dict.fromkeys(shares, arm)
        routed = Routing(version=1, salt="a salt of tests", written_at="", arms=arms, shares={"product": by_category})
        write_routing(home, routed)
        _measure("routing.json", home, given.calls)


def _measure(name: str, home: Home, calls: int) -> None:
    policies = RoutePolicies(home)
    requests = [RouteRequest(question=QUESTION, session_id=f"s-{number}") for number in range(calls)]
    print(_line(f"{name}, inside", [_seconds(partial(choose_arm, policies, each)) for each in requests]))
    port = free_port()
    environment = {**os.environ, "RL_ASSETS_HOME": str(home.folder)}
    with serving([sys.executable, *SERVICE, str(port)], f"http://127.0.0.1:{port}/health", environment):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        routes, floor = list[float](), list[float]()
        for each in requests:
            routes.append(_seconds(partial(_post, connection, each)))
            floor.append(_seconds(partial(_health, connection)))
        print(_line(f"{name}, HTTP", routes))
        print(_line("/health, HTTP", floor))


def _health(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/health")
    connection.getresponse().read()


def _post(connection: http.client.HTTPConnection, request: RouteRequest) -> None:
    """A program without a key may ask 100 times a second, so that this one waits between its calls."""
    body = json.dumps(request.model_dump(exclude_none=True))
    connection.request("POST", "/rl/route", body, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    content = reply.read()
    assert reply.status == 200, content


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    taken = time.perf_counter() - begin
    time.sleep(max(0.0, 0.011 - taken) if taken > 0.0005 else 0.0)
    return taken


def _line(name: str, seconds: list[float]) -> str:
    seconds.sort()
    p50, p99 = (seconds[int(len(seconds) * share)] * 1000 for share in (0.5, 0.99))
    return f"{name:24} {len(seconds):,} calls: p50 {p50:.2f} ms, p99 {p99:.2f} ms, slowest {seconds[-1] * 1000:.2f} ms"


if __name__ == "__main__":
    main()
