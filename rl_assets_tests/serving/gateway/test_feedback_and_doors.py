"""Feedback, the token, and what keeps the gateway's callers from waiting for its log."""

import errno
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest

from rl_assets.core.home import Home
from rl_assets.serving.feedback_lines import Line
from rl_assets.serving.gateway import current_routing
from rl_assets.serving.gateway.__main__ import check_host, service_logger
from rl_assets.serving.gateway.current_routing import CurrentRouting
from rl_assets.serving.spool import Entry, Spool
from rl_assets.serving.spool_files import SpoolFile, land_sealed
from rl_assets.settings import Settings
from rl_assets_tests.support.gateways import (
    BASE_ARM,
    CHAMPION_ARM,
    Gateway,
    arm,
    gateway,
    landed_lines,
    routing,
    wait_for,
)
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


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1.evil.example:8800", "null", "http://["])
def test_without_a_token_pages_of_other_sites_may_not_use_the_gateway(running, origin):
    body = b'{"interaction_id": "a1", "thumbs": "down", "user_id": "from a page"}'
    headers = {"origin": origin, "content-type": "text/plain"}
    for path in ("/v1/feedback", "/v1/chat/completions"):
        reply = httpx2.post(running.url + path, content=body, headers=headers)
        assert reply.status_code == 403 and "RL_ASSETS_GATEWAY_TOKEN" in reply.json()["error"]["message"]
    assert "from a page" not in {line.get("user_id") for line in running.lines("feedback_table")}


def test_pages_of_this_machine_may_use_the_gateway(running):
    body = {"interaction_id": "a1", "thumbs": "up"}
    reply = httpx2.post(f"{running.url}/feedback", json=body, headers={"origin": "http://localhost:3000"})
    assert reply.status_code == 202


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


def test_calls_go_on_while_the_disk_does_not_answer_and_nothing_is_lost(tmp_path: Path, model, monkeypatch):
    answers = threading.Event()
    append, look = SpoolFile.append, CurrentRouting.look
    with gateway(Home(tmp_path)) as started:
        started.route(routing({CHAMPION_ARM: arm(model.url)}))
        assert started.ask().status_code == 200
        monkeypatch.setattr(SpoolFile, "append", lambda self, lines: (answers.wait(), append(self, lines)))
        monkeypatch.setattr(CurrentRouting, "look", lambda self: (answers.wait(), look(self)))
        monkeypatch.setattr(current_routing, "STALE_S", 0.5)
        wait_for(lambda: "does not answer" in str(started.get("/health").json()["problems"]))
        assert [started.ask().status_code for _ in range(5)] == [200] * 5
        assert started.state.spool.landed < 6
        answers.set()
        assert len(started.lines()) == 6 and started.state.spool.dropped == 0


def test_a_full_disk_leaves_no_torn_line_when_it_has_room_again(tmp_path: Path):
    """Writes stop half-way, and even what was written cannot be removed at first."""
    home = Home(tmp_path)
    (tmp_path / "landing").mkdir()
    spool = Spool(home)
    spool._open()
    file = SpoolFile(spool.folder, spool.worker, "interaction_log", 1)
    real, room = file._file, iter([7, 0, None])

    class Full:
        def fileno(self) -> int:
            return real.fileno()

        def seek(self, to: int) -> int:
            return real.seek(to)

        def write(self, content: memoryview) -> int:
            left = next(room, None)
            if left == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real.write(content[:left])

    file._file = Full()
    with pytest.raises(OSError, match="No space"):
        file.append([b'{"interaction_id": "a1"}\n', b'{"interaction_id": "a2"}\n'])
    file.append([b'{"interaction_id": "a1"}\n', b'{"interaction_id": "a2"}\n'])
    file._file = real
    file.seal(spool._counts)
    assert [*land_sealed(home)] == [2]
    assert [line["interaction_id"] for line in landed_lines(home)] == ["a1", "a2"]


def test_a_file_of_others_and_a_line_that_fails_oddly_do_not_end_the_log(tmp_path: Path):
    home = Home(tmp_path)
    (home.serving / "spool" / "a.folder.interaction_log.jsonl").mkdir(parents=True)
    (home.serving / "spool" / "notes.jsonl").write_text("of others", encoding="utf-8")
    spool = Spool(home)
    spool.start()
    for failure in (IndexError, AssertionError, OverflowError):
        spool.put(Entry(partial(_fail, failure), 1))
    spool.put(Entry(lambda: Line("interaction_log", {"interaction_id": "a1"}), 1))
    wait_for(lambda: spool.waiting == 0)
    assert spool.problem is None
    spool.close()
    assert (spool.landed, spool.dropped) == (1, 3)
    assert (home.serving / "spool" / "notes.jsonl").is_file()


def _fail(failure: type[Exception]) -> Line:
    raise failure


def test_an_answer_that_the_feedback_service_does_not_take_lands_from_here(tmp_path: Path):
    home = Home(tmp_path)
    settings = Settings(home=tmp_path, service_url="http://127.0.0.1:9")
    spool = Spool(home, service=service_logger(settings))
    spool.start()
    for name, size in (("short", 10), ("long", 950_000)):
        fields = {"interaction_id": name, "query": "x" * size, "agent_type": "a", "timestamp": "2026-10-01T00:00:00Z"}
        spool.put(Entry(partial(Line, "interaction_log", fields), size))
    spool.close()
    assert [line["interaction_id"] for line in landed_lines(home)] == ["long"]
    assert (spool.accepted, spool.handed_over, spool.landed, spool.dropped) == (2, 1, 1, 0)
