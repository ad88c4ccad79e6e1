"""Messages of `interaction_log`: they are read as those of a chat, and what they hold twice is one turn."""

import json
from typing import Any

import pytest

from rl_assets.ingest.vendor_messages import chat_turns, messages_error
from rl_assets_tests.support.logs import Product, Row, interaction
from rl_assets_tests.support.vendor_lines import Landed, land

Q, A = "Where is my order?", "On its way."
CALL = {"id": "c", "function": {"name": "find", "arguments": "{}"}}
CALLED = '[{"function": {"arguments": "{}", "name": "find"}, "id": "c"}]'
HI, HELLO = {"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}
ASKED, ANSWERED = {"role": "user", "content": Q}, {"role": "assistant", "content": A}
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
SHOWN = '\ufffc{"image_url": {"url": "https://example.com/a.png"}, "type": "image_url"}'
TOOL = [{"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "tool", "content": "42"}]
CASES: dict[str, tuple[list[Row], list[tuple[str, str]]]] = {
    "developer": ([{"role": "developer", "content": "Be kind."}], [("system", "Be kind."), ("user", Q)]),
    "langchain": (
        [{"role": "human", "content": "Hi."}, {"role": "ai", "content": "Hello."}],
        [("user", "Hi."), ("assistant", "Hello."), ("user", Q)],
    ),
    "types": (
        [{"type": "human", "content": "Hi."}, {"type": "ai", "content": "Hello."}],
        [("user", "Hi."), ("assistant", "Hello."), ("user", Q)],
    ),
    "parts": (
        [{"role": "user", "content": [{"type": "text", "text": "Hi."}]}, HELLO],
        [("user", "Hi."), ("assistant", "Hello."), ("user", Q)],
    ),
    "null beside calls": (
        [HI, *TOOL],
        [("user", "Hi."), ("assistant", CALLED), ("tool", "42"), ("user", Q)],
    ),
    "text beside calls": (
        [HI, {**HELLO, "tool_calls": [CALL]}],
        [("user", "Hi."), ("assistant", f"Hello.\n{CALLED}"), ("user", Q)],
    ),
    "refusal": (
        [HI, {"role": "assistant", "content": None, "refusal": "I cannot."}],
        [("user", "Hi."), ("assistant", "I cannot."), ("user", Q)],
    ),
    "no content": ([HI, {"role": "assistant", "content": None}], [("user", "Hi."), ("assistant", ""), ("user", Q)]),
    "empty": ([], [("user", Q)]),
    "the query last": ([HI, HELLO, ASKED], [("user", "Hi."), ("assistant", "Hello."), ("user", Q)]),
    "the answer last": ([HI, HELLO, ASKED, ANSWERED], [("user", "Hi."), ("assistant", "Hello."), ("user", Q)]),
    "the query with calls": ([ASKED, *TOOL], [("user", Q), ("assistant", CALLED), ("tool", "42")]),
    "asked again": ([ASKED, HELLO], [("user", Q), ("assistant", "Hello."), ("user", Q)]),
    "the query beside a picture": (
        [HI, HELLO, {"role": "user", "content": [PICTURE, {"type": "text", "text": Q}, PICTURE]}],
        [("user", "Hi."), ("assistant", "Hello."), ("user", f"{SHOWN}\n{Q}\n{SHOWN}")],
    ),
    "a picture": (
        [{"role": "user", "content": [PICTURE]}, HELLO],
        [
            ("user", SHOWN),
            ("assistant", "Hello."),
            ("user", Q),
        ],
    ),
}
UNREAD: dict[str, tuple[Any, str]] = {
    "text": ("hello", "messages is a text"),
    "robot": (
        [HI, {"role": "robot", "content": "x"}],
        "messages[1] of the role 'robot' is an object with role, content",
    ),
    "number": ([{"role": "user", "content": 7}], "messages[0] of the role 'user' is an object with role, content"),
    "no messages": ([1, 2], "messages[0] is int"),
}


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    lines = [interaction(name, query=Q, answer=A, messages=messages) for name, (messages, _) in CASES.items()]
    return land(Product.at(tmp_path_factory.mktemp("messages")), "interaction_log", lines)


@pytest.mark.parametrize("case", CASES)
def test_messages_are_read_as_those_of_a_chat(landed: Landed, case: str):
    assert landed.answers()[case] == (CASES[case][1], A)
    assert landed.rejects == []


def test_a_system_turn_that_is_said_twice_is_one(product: Product):
    turn = {"role": "system", "content": "Be kind."}
    lines = [
        interaction("same", query=Q, system="Be kind.", messages=[turn]),
        interaction("other", query=Q, system="Be brief.", messages=[turn]),
    ]
    answers = land(product, "interaction_log", lines).answers()
    assert answers["same"][0] == [("system", "Be kind."), ("user", Q)]
    assert answers["other"][0] == [("system", "Be brief."), ("system", "Be kind."), ("user", Q)]


@pytest.mark.parametrize("case", UNREAD)
def test_messages_that_cannot_be_read_are_rejected_by_what_they_are(case: str):
    messages, error = UNREAD[case]
    assert (chat_turns(json.dumps(messages)), messages_error(json.dumps(messages))) == (None, error)


def test_a_null_tool_is_missing_and_the_answer_stays(product: Product):
    lines = [interaction("some", tools_used=["a", None]), interaction("none", tools_used=[None])]
    landed = land(product, "interaction_log", lines)
    assert {row["interaction_id"]: row["tools_used"] for row in landed.interactions} == {"some": ["a"], "none": []}
