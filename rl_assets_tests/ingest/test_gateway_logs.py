"""Requests of Helicone and OpenPipe."""

import json
from typing import Any

from rl_assets.metrics.scales import Metric
from rl_assets_tests.support.logs import DAY, Product, Row
from rl_assets_tests.support.vendor_lines import land

SYSTEM, QUESTION, ANSWER = ("system", "Be brief."), ("user", "How long is half a second?"), "500 ms."
ASKED = [SYSTEM, QUESTION]
MESSAGES = [{"role": role, "content": text} for role, text in ASKED]
CALL = [{"id": "c1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}]


def completion(content: Any = ANSWER, **fields: Any) -> Row:
    message = {"role": "assistant", "content": content, **fields}
    return {"id": "cmpl", "choices": [{"message": message, "finish_reason": "stop"}], "usage": {"total_tokens": 9}}


def request(name: str, body: Any, response: Any, **fields: Any) -> Row:
    return {
        "request_id": name,
        "request_created_at": f"{DAY}T10:00:00Z",
        "request_body": body,
        "response_body": response,
        "response_status": 200,
        "model": "gpt-4o",
        "request_user_id": "mary",
        "properties": {"Helicone-Session-Id": "s-1", "agent": "desk"},
        "delay_ms": 250,
        "total_tokens": 9,
        "costUSD": 0.002,
        **fields,
    }


OPENAI = {"model": "gpt-4o", "messages": MESSAGES}
USER = {"role": "user", "content": [{"type": "text", "text": QUESTION[1]}]}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": QUESTION[1]}]}]}
SCHEMA = {"request": {"messages": MESSAGES}, "response": {"messages": [{"role": "assistant", "content": ANSWER}]}}
BODIES: dict[str, Row] = {
    "openai": request("openai", OPENAI, completion()),
    "text": request("text", json.dumps(OPENAI), json.dumps(completion())),
    "anthropic": request(
        "anthropic",
        {"system": SYSTEM[1], "messages": [USER]},
        {"type": "message", "role": "assistant", "content": [{"type": "text", "text": ANSWER}]},
    ),
    "thinking": request(
        "thinking",
        {"system": [{"type": "text", "text": SYSTEM[1]}], "messages": [USER]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": ANSWER}]},
    ),
    "gemini": request(
        "gemini",
        {**GEMINI, "systemInstruction": {"parts": [{"text": SYSTEM[1]}]}},
        {"candidates": [{"content": {"role": "model", "parts": [{"text": ANSWER}]}}]},
    ),
    "schema": request("schema", {"helicone_message": "request body too large"}, None, llmSchema=SCHEMA),
}


def test_bodies_of_every_provider_give_the_same_prompt_and_answer(product: Product):
    landed = land(product, "helicone", list(BODIES.values()))
    assert landed.rejects == []
    assert landed.answers() == dict.fromkeys(BODIES, (ASKED, ANSWER))
    row = landed.interactions[0]
    assert (row["agent"], row["session_id"], row["latency_ms"], row["tokens"]) == ("desk", "s-1", 250, 9)
    assert len(row["user_id"]) == 64


def test_ratings_of_helicone_are_thumbs_and_its_scores_are_rewards_by_a_judge(product: Product):
    lines = [
        request("h1", OPENAI, completion(), feedback_rating=True, feedback_created_at=f"{DAY}T11:00:00Z"),
        request("h2", OPENAI, completion(), feedback_rating=False, scores={"accuracy": 80, "safe": True, "bad": "x"}),
        request("h3", OPENAI, {"error": {"message": "overloaded"}}, response_status=529),
        request("h4", OPENAI, completion(None, tool_calls=CALL)),
    ]
    landed = land(product, "helicone", lines, {"accuracy": Metric(worst=0, best=100)})
    assert landed.events("h1") == [("thumbs", 1.0, "overall", "human", None)]
    assert landed.events("h2") == [
        ("reward", 0.8, "accuracy", "judge", None),
        ("reward", 1.0, "safe", "judge", None),
        ("thumbs", 0.0, "overall", "human", None),
    ]
    rows = {row["interaction_id"]: row for row in landed.interactions}
    assert (rows["h3"]["answer"], rows["h3"]["error"], rows["h3"]["error_message"]) == (None, True, "status 529")
    assert rows["h4"]["answer"] == json.dumps(CALL, sort_keys=True)


def test_each_fault_of_a_request_of_helicone_is_named(product: Product):
    lines = [
        request("f1", None, completion()),
        request("f2", OPENAI, None),
        request("f3", {"input_audio": "x", "model": "m"}, completion()),
        request("f4", OPENAI, {"data": [{"embedding": [1]}]}),
        {"id": "f5", "prompt": "x"},
    ]
    assert land(product, "helicone", lines).rejects == [
        ("missing_field", "request_body is nothing"),
        ("missing_field", "response_body is nothing"),
        ("wrong_type", "request_body is an object with input_audio, model"),
        ("wrong_type", "response_body is an object with data"),
        ("unknown_kind", "no request of Helicone (request_id): an object with id, prompt"),
    ]


def test_logged_calls_of_openpipe_are_answers_and_errors_are_kept(product: Product):
    def call(name: str, output: Any, **tags: Any) -> Row:
        return {"input": OPENAI, "output": {**output, **({"id": name} if name else {})}, "tags": tags}

    lines = [
        call("o1", completion(), user_id="mary", session_id="s-1", agent="desk", prompt_id="greet"),
        call("o2", completion(None, tool_calls=CALL)),
        call("o3", {"error": {"message": "overloaded"}}),
        {"input": json.dumps(OPENAI), "output": json.dumps({**completion(), "id": "o4"}), "tags": "{}"},
        {"input": {"messages": []}, "output": completion()},
        {"input": OPENAI, "output": None},
        {"messages": MESSAGES},
        {"input": OPENAI, "output": {"choices": []}},
    ]
    landed = land(product, "openpipe", lines)
    assert landed.answers() == {
        "o1": (ASKED, ANSWER),
        "o2": (ASKED, json.dumps(CALL, sort_keys=True)),
        "o3": (ASKED, None),
        "o4": (ASKED, ANSWER),
    }
    rows = {row["interaction_id"]: row for row in landed.interactions}
    assert (rows["o1"]["session_id"], rows["o1"]["agent"], len(rows["o1"]["user_id"])) == ("s-1", "desk", 64)
    assert (rows["o3"]["error"], rows["o3"]["error_message"]) == (True, "overloaded")
    assert [reason for reason, _ in landed.rejects] == ["wrong_type", "missing_field", "unknown_kind", "wrong_type"]


def test_a_value_that_is_no_text_costs_its_line_and_not_the_day(product: Product):
    good = {"input": OPENAI, "output": {**completion(), "id": "o1"}, "tags": {}}
    landed = land(product, "openpipe", [good, {**good, "output": {**completion(), "id": "o2", "model": ["m"]}}])
    assert (list(landed.answers()), landed.rejects) == (["o1"], [("wrong_type", "model")])
