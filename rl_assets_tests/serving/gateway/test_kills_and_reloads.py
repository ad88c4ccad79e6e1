"""The gateway under load while its process is killed, its routing changes, or the feedback service takes its lines."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from rl_assets.core.home import Home
from rl_assets.serving.gateway.__main__ import service_logger
from rl_assets.serving.routing import write_routing
from rl_assets.serving.spool import Spool
from rl_assets.serving.spool_counts import SUFFIX, SpoolCounts
from rl_assets.settings import Settings
from rl_assets_tests.support.gateways import (
    BASE_ARM,
    CHAMPION_ARM,
    QUESTION,
    arm,
    gateway,
    landed_lines,
    routing,
    wait_for,
)
from rl_assets_tests.support.model_server import Asked, ModelServer, app_server, completion, model_server, word_events
from rl_assets_tests.support.servers import free_port

WORDS = "one two three four five six"


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    def answer(asked: Asked):
        return server.streamed(word_events(WORDS), 0.002) if asked.body.get("stream") else completion("Yes.")

    with model_server(answer) as server:
        yield server


@contextmanager
def gateway_process(home: Home, port: int) -> Iterator[subprocess.Popen]:
    """The command as a process of its own; killed at the end if it still runs."""
    environment = {**os.environ, "RL_ASSETS_HOME": str(home.folder)}
    command = [sys.executable, "-m", "rl_assets.serving.gateway", "--port", str(port), "--land-seconds", "0.2"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _answers(port), 60)
        yield process
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx2.HTTPError:
        return False


def call_until_gone(port: int, answered: list[str]) -> None:
    """Ask one stream after another; note the id of each whose end came."""
    while True:
        body = {"messages": QUESTION, "stream": True}
        try:
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            with httpx2.stream("POST", url, json=body) as answer:
                if answer.read().endswith(b"[DONE]\n\n"):
                    answered.append(answer.headers["x-interaction-id"])
        except httpx2.HTTPError:
            return


@pytest.mark.server
@pytest.mark.slow
def test_kills_under_load_lose_no_answer_unnoticed(tmp_path: Path, model: ModelServer):
    home, answered, port = Home(tmp_path), list[str](), free_port()
    accepted = lost = 0
    home.landing.mkdir()
    write_routing(home, routing({CHAMPION_ARM: arm(model.url)}))
    for _ in range(2):
        with gateway_process(home, port) as process:
            lost += _metric(port, "lines_lost_total")
            before = len(answered)
            callers = [threading.Thread(target=call_until_gone, args=(port, answered)) for _ in range(4)]
            for caller in callers:
                caller.start()
            wait_for(lambda before=before: len(answered) > before + 20)
            process.send_signal(signal.SIGKILL)
            for caller in callers:
                caller.join()
        [counts] = (home.serving / "spool").glob(f"*{SUFFIX}")
        accepted += SpoolCounts.read(counts).accepted
    successor = Spool(home)
    successor.start()
    successor.close()
    logged = Counter(line["interaction_id"] for line in landed_lines(home))
    assert set(logged.values()) == {1}
    assert accepted == len(logged) + lost + successor.lost
    assert len(set(answered) - set(logged)) <= lost + successor.lost
    assert [*successor.folder.glob("*.jsonl")] == []


def _metric(port: int, name: str) -> int:
    text = httpx2.get(f"http://127.0.0.1:{port}/metrics").text
    return int(next(line.split(" ")[1] for line in text.splitlines() if line.startswith(f"rl_assets_gateway_{name} ")))


@pytest.mark.slow
def test_routing_changes_under_load_cost_no_call(tmp_path: Path, model: ModelServer):
    arms = {CHAMPION_ARM: arm(model.url), BASE_ARM: arm(model.url, "base", None)}
    with gateway(Home(tmp_path)) as started, ThreadPoolExecutor(4) as pool:
        started.route(routing(arms))
        started.state.routing.look()
        calls = [pool.submit(started.ask, stream=number % 2 == 0) for number in range(60)]
        for version in range(2, 8):
            started.route(routing(arms, {[CHAMPION_ARM, BASE_ARM][version % 2]: 1.0}, version=version))
            wait_for(lambda version=version: started.state.routing.value.version == version)
        assert {call.result().status_code for call in calls} == {200}
        lines = started.lines()
    assert len(lines) == 60 and not any(line["error_occurred"] for line in lines)
    assert all(line["arms"] == {line["assigned_arm"]: 1.0} for line in lines)


def test_answers_go_to_the_feedback_service_where_one_is_set(tmp_path: Path, model: ModelServer):
    got = list[dict]()

    async def take(request: Request) -> JSONResponse:
        got.extend(await request.json())
        assert request.headers["authorization"] == "Bearer a key"
        return JSONResponse({"accepted": len(got)}, 201)

    app = Starlette(routes=[Route("/api/v1/training/interactions", take, methods=["POST"])])
    home = Home(tmp_path)
    with app_server(app) as url, gateway(home) as started:
        started.state.spool.service = service_logger(Settings(home=tmp_path, service_url=url, service_key="a key"))
        started.route(routing({CHAMPION_ARM: arm(model.url)}))
        name = started.ask(user="mary").headers["x-interaction-id"]
        wait_for(lambda: len(got) == 1)
        assert httpx2.post(f"{started.url}/feedback", json={"interaction_id": name, "rating": 5}).status_code == 202
        [event] = started.lines("feedback_table")
    assert (got[0]["interaction_id"], got[0]["answer"], got[0]["propensity"]) == (name, "Yes.", 1.0)
    assert event["interaction_id"] == name and landed_lines(home) == []
    assert started.state.spool.handed_over == 1
