"""Histories, calls, events and parts are read by whatever name their tool gives them."""

import json
from typing import Any

import pytest

from rl_assets.ingest.parsers import RejectedLineError
from rl_assets_tests.support.logs import Row
from rl_assets_tests.support.model_lines import answer_of, event, helicone, langfuse, langsmith, read, span


@pytest.mark.parametrize("name", ["history", "chat_history"])
@pytest.mark.parametrize(
    "history",
    [
        "Human: Weather in Rome?\nAI: Sun.",
        [{"type": "human", "content": "Weather in Rome?"}, {"type": "ai", "content": "Sun."}],
        '[{"type": "human", "content": "Weather in Rome?"}, {"type": "ai", "content": "Sun."}]',
        [["human", "Weather in Rome?"], ["ai", "Sun."]],
        [["Weather in Rome?", "Sun."]],
    ],
)
def test_a_history_stands_before_the_question(name: str, history: Any):
    asked = {"input": "And tomorrow?", name: history}
    said = [("user", "Weather in Rome?"), ("assistant", "Sun."), ("user", "And tomorrow?")]
    assert read(langsmith({"output": "Rain."}, asked))[0] == said
    assert read(langfuse("Rain.", asked))[0] == said
    assert read(langfuse("Rain.", json.dumps(asked)))[0] == said


def test_a_history_of_unknown_shape_is_refused_by_its_name():
    with pytest.raises(RejectedLineError, match=r"inputs.history\[0\] is an object"):
        read(langsmith({"output": "Rain."}, {"input": "And tomorrow?", "history": [{"turn": 1}]}))


CALLED = {"name": "search", "args": {"q": "x"}, "id": "toolu_1", "type": "tool_call"}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {"q": "x"}},
        {"type": "tool_call", "id": "toolu_1", "name": "search", "args": {"q": "x"}},
        {"type": "function_call", "id": "fc_1", "call_id": "toolu_1", "name": "search", "arguments": '{"q": "x"}'},
        {"type": "input_json_delta", "partial_json": '{"q": "x"}', "index": 1},
    ],
)
def test_a_call_that_stands_in_the_content_and_beside_it_is_said_once(part: Row):
    kwargs = {"content": [{"type": "text", "text": "Let me look."}, part], "tool_calls": [CALLED]}
    message = {"lc": 1, "type": "constructor", "id": ["langchain", "AIMessage"], "kwargs": kwargs}
    expected = f"Let me look.\n{json.dumps([CALLED], sort_keys=True)}"
    assert answer_of(langsmith({"generations": [[{"text": "Let me look.", "message": message}]]})) == expected
    assert answer_of(langfuse(message)) == expected


def test_a_call_that_stands_in_the_content_alone_stays():
    other = {"type": "tool_use", "id": "toolu_2", "name": "clock", "input": {}}
    message = {"type": "ai", "content": [other], "tool_calls": [CALLED]}
    expected = f"{json.dumps(other, sort_keys=True)}\n{json.dumps([CALLED], sort_keys=True)}"
    assert answer_of(langsmith({"output": message})) == expected


USER_EVENT = event("gen_ai.user.message", content='[{"text": "q?"}]')
AZURE = (
    event("gen_ai.user.message", gen_ai__event__content='{"role": "user", "content": "q?"}'),
    event(
        "gen_ai.choice",
        gen_ai__event__content='{"message": {"content": "Good day."}, "finish_reason": "stop", "index": 0}',
    ),
)
SAID = {"_type": "message", "content": "q?"}
FLAT = {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "q?"}
THINKING = {"gen_ai.completion.0.role": "thinking", "gen_ai.completion.0.content": "Hm."}
SPOKEN = {"gen_ai.completion.1.content": "Good day.", "gen_ai.completion.1.finish_reason": "stop"}


@pytest.mark.parametrize(
    "line",
    [
        span({}, USER_EVENT, event("gen_ai.choice", message='[{"text": "Good day."}]', finish_reason="stop")),
        span({}, USER_EVENT, event("gen_ai.choice", message="Good day.", finish_reason="stop")),
        span({}, *AZURE),
        span({**FLAT, **THINKING, **SPOKEN}),
    ],
    ids=["strands", "text", "azure", "openllmetry"],
)
def test_events_and_thoughts_of_instrumentations_are_read(line: tuple[str, Row]):
    assert read(line) == ([("user", "q?")], "Good day.", "stop")


@pytest.mark.parametrize(
    "request_body",
    [
        {"contents": [{"parts": [{"text": "q?"}]}]},
        {"contents": {"parts": [{"text": "q?"}]}},
        {"messages": [{"role": "user", "blocks": [{"block_type": "text", "text": "q?"}]}]},
        {
            "messages": [
                {"_type": "contentArray", "role": "user", "contentArray": [{"_type": "message", "content": "q?"}]}
            ]
        },
    ],
)
def test_a_prompt_of_parts_is_read_whatever_they_are_called(request_body: Row):
    response = {"candidates": [{"content": {"parts": [{"text": "Good day."}]}, "finishReason": "STOP"}]}
    assert read(helicone(response, request_body)) == ([("user", "q?")], "Good day.", "stop")
    assert read(langfuse(response, json.dumps(request_body)))[0] == [("user", "q?")]


def test_pictures_in_parts_of_other_names_stay_visible():
    picture = {"_type": "image", "image_url": "a.png"}
    array = {"_type": "contentArray", "role": "user", "contentArray": [SAID, picture]}
    block = {"role": "user", "blocks": [{"block_type": "text", "text": "q?"}, {"block_type": "image", "url": "a.png"}]}
    for message in (array, {**picture, "role": "user", "content": "q?"}, block):
        ((_, content),) = read(helicone({"choices": [{"text": "Yes."}]}, {"messages": [message]}))[0]
        assert content.startswith('q?\n\ufffc{"') and "a.png" in content


def test_a_turn_of_the_user_of_unknown_shape_is_refused():
    with pytest.raises(RejectedLineError, match=r"input\[0\] of the role 'user' is an object with role, said"):
        read(langfuse("Yes.", [{"role": "user", "said": "q?"}]))
