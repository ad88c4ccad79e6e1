"""Feedback, the token, and what keeps the gateway's callers from waiting for its log."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from rl_assets.core.home import Home
from rl_assets.serving.gateway.__main__ import check_host
from rl_assets.serving.spool import Spool
from rl_assets_tests.support.gateways import BASE_ARM, CHAMPION_ARM, Gateway, arm, gateway, routing, wait_for
from rl_assets_tests.support.model_server import ModelServer, completion, model_server

TOKEN = "a token of sixteen signs"


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with model_server(lambda asked: completion("Yes.")) as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(Home(tmp_path_factory.mktemp("gateway"))) as started:
        yield started


def give(running: Gateway, path: str = "/v1/feedback", **fields) -> httpx2.Response:
    return httpx2.post(running.url + path, json=fields)


def test_feedback_lands_once_however_often_it_is_sent(running):
    replies = [give(running, interaction_id="a1", feedback_id="f1", thumbs="up", user_id="mary") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [202] * 3
    assert give(running, path="/feedback", interaction_id="a1", score=0.5).status_code == 202
    assert give(running, interaction_id="a1", feedback_id="f1", thumbs="down").status_code == 409
    [event] = [line for line in running.lines("feedback_table") if line["id"] == "f1"]
    assert (event["interaction_id"], event["feedback_type"], event["user_id"]) == ("a1", "thumbs_up", "mary")
    assert [line["reward"] for line in running.lines("reward_log")] == [0.5]


def test_feedback_of_an_unknown_kind_is_refused_with_its_field(running):
    reply = give(running, interaction_id="a1", claps=3)
    assert reply.status_code == 422 and reply.json()["field"] == "claps"
    assert httpx2.post(f"{running.url}/feedback", content=b'{"interaction_id": "a", "score": NaN}').status_code == 422
    assert httpx2.post(f"{running.url}/feedback", content=b" " * 2_000_000).status_code == 413


def test_with_a_token_set_only_its_bearers_may_call(tmp_path: Path, model):
    with gateway(Home(tmp_path), token=TOKEN) as started:
        started.route(routing({CHAMPION_ARM: arm(model.url)}))
        assert started.get("/health").status_code == 200
        for headers in ({}, {"authorization": "Bearer other"}, {"authorization": TOKEN}):
            refused = started.ask(headers=headers)
            assert refused.status_code == 401 and refused.json()["error"]["code"] == "invalid_api_key"
        assert started.get("/metrics").status_code == 401
        assert started.ask(headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert TOKEN not in str(model.asked[-1].headers)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::", "gateway.example.com"])
def test_an_address_that_others_reach_needs_a_token(host):
    with pytest.raises(ValueError, match="RL_ASSETS_GATEWAY_TOKEN"):
        check_host(host, None)
    check_host(host, TOKEN)
    check_host("127.0.0.1", None)


@pytest.mark.server
def test_the_command_says_what_to_do_about_a_taken_port(running):
    port = running.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "rl_assets.serving.gateway", "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and f"Port {port}" in ended.stderr


def test_calls_go_on_and_drops_are_counted_when_the_log_cannot_be_written(tmp_path: Path, model):
    home = Home(tmp_path)
    home.serving.mkdir()
    (home.serving / "spool").write_text("a file where the folder should be", encoding="utf-8")
    with gateway(home) as started:
        started.state.spool._queue.maxsize = 3
        started.route(routing({CHAMPION_ARM: arm(model.url), BASE_ARM: arm(model.url, "base", None)}))
        statuses = {started.ask().status_code for _ in range(12)}
        assert statuses == {200}
        assert started.state.spool.dropped > 0
        assert "cannot be" in started.get("/health").json()["problems"][0]
        (home.serving / "spool").unlink()
        wait_for(lambda: started.state.spool.landed > 0)
        assert started.state.spool.problem is None
    spool: Spool = started.state.spool
    assert spool.accepted == 12 == spool.landed + spool.dropped
