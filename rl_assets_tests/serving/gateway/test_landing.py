"""What the gateway lands, ingestion reads without a reject: answers of every kind, and the feedback on them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from rl_assets.core.home import Home
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.gateways import BASE_ARM, CHAMPION, CHAMPION_ARM, Gateway, arm, gateway, routing
from rl_assets_tests.support.logs import Product
from rl_assets_tests.support.model_server import Asked, completion, model_server

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400}}
CALL = {"id": "t1", "type": "function", "function": {"name": "find_order", "arguments": "{}"}}
CONVERSATIONS = {
    "plain": [{"role": "user", "content": "Where is it?"}],
    "turns": [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Where is it?"},
    ],
    "picture": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, PICTURE]}],
    "tool result": [
        {"role": "user", "content": "Where is it?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "t1", "content": "In Cologne."},
    ],
    "odd": [{"role": "critic", "content": "?"}, {"role": "user", "content": 'nul \0, ü, 🙂, \u2028, {"a": NaN}'}],
    "no user": [{"role": "system", "content": "Say something."}],
}


def _reply(asked: Asked):
    last = asked.body["messages"][-1]["content"]
    return completion(None, tool_calls=[CALL]) if last == "Hi" else completion(f"An answer to {last!r:.20}")


@pytest.mark.slow
def test_every_kind_of_call_and_feedback_is_ingested_without_a_reject(tmp_path: Path):
    home = Home(tmp_path)
    with model_server(_reply) as model, gateway(home) as started:
        arms = {CHAMPION_ARM: arm(model.url), BASE_ARM: arm(model.url, "base", None)}
        started.route(routing(arms, {CHAMPION_ARM: 0.75, BASE_ARM: 0.25}))
        names = {kind: _ask(started, messages=messages) for kind, messages in CONVERSATIONS.items()}
        names["calls a tool"] = _ask(started, messages=[{"role": "user", "content": "Hi"}])
        started.route(routing({CHAMPION_ARM: arm("http://127.0.0.1:9")}, version=2))
        started.state.routing.look()
        names["failed"] = _ask(started, messages=CONVERSATIONS["plain"])
        feedback = [{"thumbs": "up"}, {"rating": 2, "comment": "No."}, {"correction": "In Cologne."}, {"score": 0.5}]
        for number, given in enumerate(feedback):
            body = {"interaction_id": names["plain"], "user_id": f"rater {number}", **given}
            assert httpx2.post(f"{started.url}/feedback", json=body).status_code == 202
    product, today = Product.at(home.folder), datetime.now(UTC).date()
    day = product.ingest(today)
    assert day.rejects == {} and day.rows == day.lines == 12
    rows = {row["interaction_id"]: row for row in product.rows(INTERACTIONS)}
    assert set(rows) == set(names.values())
    plain, turns = rows[names["plain"]], rows[names["turns"]]
    assert plain["prompt"] == CONVERSATIONS["plain"] and plain["answer"].startswith("An answer to")
    assert plain["propensity"] in (0.75, 0.25) and plain["adapter"] in (CHAMPION, None)
    assert json.loads(plain["arms"]) == {CHAMPION_ARM: 0.75, BASE_ARM: 0.25} and plain["drawn"] is True
    assert plain["assigned_arm"] in (CHAMPION_ARM, BASE_ARM) and len(plain["policy_version"]) == 12
    assert plain["finish_reason"] == "stop" and rows[names["failed"]]["fallback_reason"] == "refused"
    assert [turn["role"] for turn in turns["prompt"]] == ["system", "user", "assistant", "user"]
    assert len(rows[names["picture"]]["prompt"]) == 1 and "sha256:" in rows[names["picture"]]["prompt"][0]["content"]
    assert [turn["role"] for turn in rows[names["tool result"]]["prompt"]] == ["user", "assistant", "tool"]
    called = rows[names["calls a tool"]]
    assert called["answer"] is None and called["tools_used"] == ["find_order"] and not called["error"]
    assert rows[names["failed"]]["error"] and rows[names["failed"]]["answer"] is None
    kinds = sorted(row["kind"] for row in product.rows(FEEDBACK))
    assert {"thumbs", "rating", "correction", "reward"} <= set(kinds)
    assert {row["interaction_id"] for row in product.rows(FEEDBACK)} == {names["plain"]}


def _ask(started: Gateway, **fields) -> str:
    return started.ask(**fields).headers["x-interaction-id"]
