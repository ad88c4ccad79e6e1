"""Inputs and outputs in the shapes that tracing SDKs log: each says the same, and JSON that a model wrote stays."""

import json
from typing import Any

import pytest

from rl_assets.ingest.logged_texts import read_input, read_output
from rl_assets.ingest.parsers import RejectedLineError

SYSTEM, QUESTION = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi there?"}
ASKED, ASKED_BRIEFLY = [QUESTION], [SYSTEM, QUESTION]
PARTS = [{"type": "text", "text": "Hello "}, {"type": "text", "text": "there."}]
ITEM = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello there."}]}
LC = {
    "lc": 1,
    "type": "constructor",
    "id": ["langchain_core", "messages", "AIMessage"],
    "kwargs": {"content": "Hello there."},
}
GEMINI = {"content": {"parts": [{"text": "Hello "}, {"text": "there."}], "role": "model"}, "finish_reason": "STOP"}
CHUNKS = [{"choices": [{"delta": {"content": text}}]} for text in ("Hello ", "there.")]

INPUTS: dict[str, tuple[Any, list[dict[str, str]]]] = {
    "messages": (ASKED, ASKED),
    "text": ("Hi there?", ASKED),
    "anthropic": ({"system": "Be brief.", "messages": ASKED}, ASKED_BRIEFLY),
    "anthropic blocks": ({"system": [{"type": "text", "text": "Be brief."}], "messages": ASKED}, ASKED_BRIEFLY),
    "vercel": ({"system": "Be brief.", "prompt": "Hi there?"}, ASKED_BRIEFLY),
    "responses": ({"instructions": "Be brief.", "input": ASKED, "model": "m"}, ASKED_BRIEFLY),
    "gemini": (
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": "Hi there?"}]}],
        },
        ASKED_BRIEFLY,
    ),
    "gemini's sdk": ({"contents": "Hi there?", "config": {"system_instruction": "Be brief."}}, ASKED_BRIEFLY),
    "google adk": ({"user_id": "u", "new_message": {"role": "user", "parts": [{"text": "Hi there?"}]}}, ASKED),
    "langchain": ([[{"lc": 1, "id": ["x", "HumanMessage"], "kwargs": {"content": "Hi there?"}}]], ASKED),
    "developer": ([{"role": "developer", "content": "Be brief."}, QUESTION], ASKED_BRIEFLY),
    "upper case": (
        [{**SYSTEM, "role": "SYSTEM"}, {**QUESTION, "role": "User"}],
        ASKED_BRIEFLY,
    ),
    "chain": ({"question": "Hi there?", "chat_history": []}, ASKED),
    "call": ({"args": ["Hi there?"], "kwargs": {}}, ASKED),
    "keyword": ({"args": [], "kwargs": {"query": "Hi there?"}}, ASKED),
}
OUTPUTS: dict[str, Any] = {
    "text": "Hello there.",
    "quoted": '"Hello there."',
    "message": {"role": "assistant", "content": "Hello there."},
    "blocks": {"role": "assistant", "content": PARTS},
    "parts": PARTS,
    "completion": {"choices": [{"message": {"role": "assistant", "content": "Hello there."}}]},
    "chunks": CHUNKS,
    "responses items": [{"type": "reasoning", "summary": []}, ITEM],
    "responses object": {"object": "response", "output": [ITEM], "text": {"format": {"type": "text"}}},
    "gemini": {"candidates": [GEMINI]},
    "google adk": GEMINI,
    "anthropic": {"type": "message", "role": "assistant", "content": PARTS, "stop_reason": "end_turn"},
    "langchain": LC,
    "langgraph": {"messages": [{"type": "human", "content": "Hi there?"}, {"type": "ai", "content": "Hello there."}]},
    "vercel": {"text": "Hello there.", "finishReason": "stop"},
    "named": {"completion": "Hello there."},
    "with sources": {"answer": "Hello there.", "sources": ["a"]},
    "conversation": [QUESTION, {"role": "assistant", "content": "Hello there."}],
}


@pytest.mark.parametrize("encode", [lambda value: value, json.dumps], ids=["object", "text"])
@pytest.mark.parametrize("shape", INPUTS)
def test_a_prompt_is_read_in_every_shape_with_its_system_turn(shape: str, encode):
    given, turns = INPUTS[shape]
    if shape == "google adk" and encode is json.dumps:
        return  # A text whose other keys are not known is what the user wrote.
    assert read_input(encode(given), "input") == turns


@pytest.mark.parametrize("encode", [lambda value: value, json.dumps], ids=["object", "text"])
@pytest.mark.parametrize("shape", OUTPUTS)
def test_an_answer_is_read_in_every_shape(shape: str, encode):
    output = read_output(encode(OUTPUTS[shape]), "output", by_model=False)
    assert (output.text, output.is_text) == ("Hello there.", True)


@pytest.mark.parametrize(
    "text",
    [
        '{"city": "Rome", "confidence": 0.9}',
        '[{"title": "one", "text": "Water is wet."}, {"title": "two", "text": "Fire is hot."}]',
        '["red", "green", "blue"]',
        '["red"]',
        "[1, 2, 3]",
        '{"content": "body", "slug": "x", "status": "draft"}',
        '{"role": "admin", "text": "bob"}',
        '{"answer": "Rome"}',
        '"a" "b"',
        "{1, 2}",
        '{"a": 1, "a": 2}',
        "{'a': 1}",
    ],
)
def test_json_that_a_model_wrote_stays_as_it_wrote_it(text: str):
    assert read_output(text, "output", by_model=True).text == text
    assert read_input(text, "input") == [{"role": "user", "content": text}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"city": "Paris", "confidence": 0.9}, '{"city":"Paris","confidence":0.9}'),
        ([{"b": 1}, {"a": "é"}], '[{"b":1},{"a":"é"}]'),
        (4, "4"),
        (False, "false"),
    ],
)
def test_a_value_that_was_parsed_of_an_answer_is_compact_json_again(value: Any, text: str):
    assert read_output(value, "output", by_model=True).text == text


def test_calls_of_tools_follow_the_text():
    call = {"type": "function_call", "name": "clock", "arguments": "{}"}
    assert (
        read_output([ITEM, call], "output", by_model=True).text == f"Hello there.\n{json.dumps([call], sort_keys=True)}"
    )
    used = {"type": "tool_use", "id": "t", "name": "clock", "input": {}}
    assert read_output([PARTS[0], used], "output", by_model=True).text == f"Hello \n{json.dumps(used, sort_keys=True)}"


def test_results_of_tools_are_a_tools_turn_whatever_their_role_is_called():
    call = {"id": "c", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    asked = [QUESTION, {"role": "assistant", "content": "", "tool_calls": [call]}, {"role": "clock", "content": "9:00"}]
    items = [QUESTION, {"type": "function_call", "name": "clock"}, {"type": "function_call_output", "output": "9:00"}]
    for given in (asked, items):
        assert [turn["role"] for turn in read_input(given, "input")] == ["user", "assistant", "tool"]
        assert read_input(given, "input")[-1]["content"] == "9:00"


@pytest.mark.parametrize(
    "given",
    [{"args": ["a", "b"], "kwargs": {}}, {"size": 3}, ["a", "b"], [{"role": "robot", "content": "x"}], 7, None, ""],
)
def test_a_prompt_of_unknown_shape_is_refused(given: Any):
    with pytest.raises(RejectedLineError):
        read_input(given, "input")


@pytest.mark.parametrize("output", [None, {}, [], {"choices": []}, {"error": {"code": 3}}, "None", "[object Object]"])
def test_an_output_without_an_answer_is_refused(output: Any):
    with pytest.raises(RejectedLineError):
        read_output(output, "output", by_model=True)
