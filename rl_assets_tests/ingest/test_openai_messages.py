"""What OpenAI's APIs, and servers that speak like them, write into messages: the text of each, from the file."""

import base64
import json
from typing import Any

import pytest

from rl_assets.ingest.unread_fields import fields_of, joined_fields
from rl_assets.lake.delta import Lake
from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import Product, Row, interaction

CREATED = 1_790_848_800
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
CALLED = json.dumps([CALL], sort_keys=True)
PICTURE = "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 4).decode("ascii")
SORRY = "That is one for a locksmith."


def answered(name: str, message: Row, **fields: Any) -> Row:
    question = {"role": "user", "content": f"What of {name}?"}
    return {"id": name, "created": CREATED, "messages": [question, {"role": "assistant", **message}], **fields}


def chosen(name: str, *choices: Row, **fields: Any) -> Row:
    messages = [{"role": "user", "content": f"What of {name}?"}]
    return {"id": name, "created": CREATED, "messages": messages, "choices": list(choices), **fields}


def said(text: str | None, **fields: Any) -> Row:
    return {"role": "assistant", "content": text, **fields}


# A line, its answer, and why the model stopped.
SHAPES: list[tuple[Row, str | None, str | None]] = [
    (answered("text", {"content": "Four."}), "Four.", None),
    (answered("refusal-null", {"content": None, "refusal": SORRY}), SORRY, "refusal"),
    (answered("refusal-empty", {"content": "", "refusal": SORRY}), SORRY, "refusal"),
    (answered("refusal-part", {"content": [{"type": "refusal", "refusal": SORRY}]}), SORRY, "refusal"),
    (answered("refusal-after-text", {"content": "Well.", "refusal": SORRY}), f"Well.\n{SORRY}", "refusal"),
    (answered("no-refusal", {"content": "Yes.", "refusal": None}), "Yes.", None),
    (answered("calls-null", {"content": None, "tool_calls": [CALL]}), CALLED, None),
    (answered("calls-empty", {"content": "", "tool_calls": [CALL]}), CALLED, None),
    (answered("calls-and-text", {"content": "Let me look.", "tool_calls": [CALL]}), f"Let me look.\n{CALLED}", None),
    (answered("function", {"content": None, "function_call": {"name": "f"}}), '{"name": "f"}', None),
    (answered("no-calls", {"content": "None needed.", "tool_calls": []}), "None needed.", None),
    (answered("nothing", {"content": None}), None, None),
    (answered("spoken", {"content": None, "audio": {"id": "a", "transcript": "Hello there."}}), "Hello there.", None),
    (answered("output-text", {"content": [{"type": "output_text", "text": "Hello."}]}), "Hello.", None),
    (
        answered("assistants", {"content": [{"type": "text", "text": {"value": "Hello.", "annotations": []}}]}),
        "Hello.",
        None,
    ),
    (
        answered("parts", {"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}]}),
        "Hello.",
        None,
    ),
    (answered("status", {"content": "And so"}, finish_reason="length"), "And so", "length"),
    (answered("anthropic", {"content": "And so"}, stop_reason="max_tokens"), "And so", "length"),
    (chosen("stop", {"message": said("Done."), "finish_reason": "stop"}), "Done.", "stop"),
    (chosen("length", {"message": said("First of"), "finish_reason": "length"}), "First of", "length"),
    (chosen("filter", {"message": said(""), "finish_reason": "content_filter"}), "", "content_filter"),
    (chosen("choice-refusal", {"message": said(None, refusal=SORRY), "finish_reason": "stop"}), SORRY, "refusal"),
    (chosen("calls", {"message": said(None, tool_calls=[CALL]), "finish_reason": "tool_calls"}), CALLED, "tool_calls"),
]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory) -> dict[str, Row]:
    home = tmp_path_factory.mktemp("shapes")
    product = Product(home / "landing", Lake(str(home / "lake")))
    product.log(*(line for line, _, _ in SHAPES), log_format="openai_chat")
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects) == (len(SHAPES), {})
    return {row["interaction_id"]: row for row in product.rows(INTERACTIONS)}


@pytest.mark.parametrize(("line", "answer", "reason"), SHAPES, ids=[line["id"] for line, _, _ in SHAPES])
def test_the_answer_is_what_the_message_says(shapes: dict[str, Row], line: Row, answer: str | None, reason: str | None):
    row = shapes[line["id"]]
    assert (row["answer"], row["finish_reason"]) == (answer, reason)


def test_what_a_model_thought_is_kept_apart(product: Product):
    thinking = [{"type": "thinking", "thinking": "Two and two."}, {"type": "text", "text": "Four."}]
    product.log(
        answered("parts", {"content": thinking}),
        answered("field", {"content": "Four.", "reasoning_content": "Two and two."}),
        log_format="openai_chat",
    )
    product.ingest()
    rows = product.rows(INTERACTIONS)
    assert [(row["answer"], row["reasoning"]) for row in rows] == [("Four.", "Two and two.")] * 2


MEDIA: list[Any] = [
    [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PICTURE}}],
    [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "https://a.example/b"}}],
    [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": PICTURE}],
    [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}],
    [{"type": "file", "file": {"file_data": PICTURE, "filename": "a.pdf"}}],
    [{"type": "tool_result", "content": [{"type": "image", "source": {"data": "A" * 400}}]}],
    f"What is this? ![]({PICTURE})",
]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Row, Row]]:
    """An answer and its rating for each content of a question."""
    product = Product.at(tmp_path_factory.mktemp("media"))
    asked = [[{"role": "user", "content": content}, {"role": "assistant", "content": "A cat."}] for content in MEDIA]
    lines = [{"id": f"c{i}", "created": CREATED, "messages": messages} for i, messages in enumerate(asked)]
    product.log(*lines, log_format="openai_chat")
    product.ingest()
    rows, rated = {row["interaction_id"]: row for row in product.rows(INTERACTIONS)}, product.rated()
    return [(rows[line["id"]], rated[line["id"]]) for line in lines]


@pytest.mark.parametrize("number", range(len(MEDIA)))
def test_a_conversation_with_pictures_sounds_or_files_is_not_trainable(media: list[tuple[Row, Row]], number: int):
    row, rated = media[number]
    assert row["roles"] is None
    assert (len(row["prompt"][0]["content"]) < 400) == isinstance(MEDIA[number], list)
    assert not rated["trainable"]


def test_two_pictures_make_two_questions_and_text_about_data_urls_is_text(product: Product):
    for number, url in enumerate([PICTURE, PICTURE[:-8], PICTURE]):
        content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
        messages = [{"role": "user", "content": content}, {"role": "assistant", "content": "A cat."}]
        product.log(
            {"id": f"c{number}", "created": CREATED, "messages": messages},
            log_format="openai_chat",
            name=f"{number}.jsonl",
        )
    product.log(interaction("plain", query="Why does data:image/gif;base64,R0lGODlhAQABAAAAACw= begin so?"))
    product.ingest()
    rows = {row["interaction_id"]: row for row in product.rows(INTERACTIONS)}
    assert rows["c0"]["prompt_key"] == rows["c2"]["prompt_key"] != rows["c1"]["prompt_key"]
    assert rows["plain"]["roles"] == "user"


def test_bytes_in_any_format_are_not_trainable(product: Product):
    product.log(interaction("asked", query=f"<img src='{PICTURE}'>"), interaction("answered", answer=f"![]({PICTURE})"))
    product.ingest()
    assert [row["roles"] for row in product.rows(INTERACTIONS)] == [None, None]


def test_every_choice_is_an_answer_and_the_feedback_is_on_the_first(product: Product):
    choices = [{"index": number, "message": said(text)} for number, text in enumerate(["Red.", "Blue."])]
    product.log(chosen("c", *choices, feedback={"thumbs": "up"}), log_format="openai_chat")
    assert product.ingest().rows == 1
    assert {row["interaction_id"]: row["answer"] for row in product.rows(INTERACTIONS)} == {"c": "Red.", "c-1": "Blue."}
    assert [row["interaction_id"] for row in product.rows(FEEDBACK)] == ["c"]


def test_a_response_of_the_responses_api_is_an_answer(product: Product):
    items = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "A greeting."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]},
        {"type": "function_call", "name": "wave", "arguments": "{}"},
    ]
    asked = [
        {"role": "user", "content": [{"type": "input_text", "text": "Hi?"}]},
        {"type": "function_call", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "output": "Somebody waves."},
    ]
    common = {"object": "response", "created_at": CREATED, "instructions": "Be kind."}
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    product.log(
        {"id": "r1", **common, "input": "Hi?", "output": items[:2], **cut},
        {"id": "r2", **common, "input": asked, "output": items},
        log_format="openai_chat",
    )
    assert product.ingest().rejects == {}
    first, second = sorted(product.rows(INTERACTIONS), key=lambda row: row["interaction_id"])
    assert (first["answer"], first["finish_reason"], first["reasoning"]) == ("Hello.", "length", "A greeting.")
    assert first["prompt"] == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi?"}]
    assert second["answer"].splitlines() == ["Hello.", json.dumps([items[2]], sort_keys=True)]
    assert [turn["role"] for turn in second["prompt"]] == ["system", "user", "assistant", "tool"]


def response(name: str, asked: Any, *items: Row, **fields: Any) -> Row:
    return {"id": name, "object": "response", "created_at": CREATED, "input": asked, "output": list(items), **fields}


SPOKEN = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Answer."}]}


def test_what_a_tool_returned_is_the_tools_turn_and_silent_items_are_none(product: Product):
    tools = {"type": "mcp_list_tools", "server_label": "shop", "tools": [{"name": "look"}]}
    asked = [
        {"role": "user", "content": "Look."},
        tools,
        {"type": "custom_tool_call", "name": "look", "input": "x", "call_id": "c1"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "RESULT"},
        {"type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": "f1"}},
        {"type": "function_call_output", "output": [{"type": "input_text", "text": "Part."}]},
    ]
    approval = {"type": "mcp_approval_request", "name": "buy", "arguments": "{}"}
    searched = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "x"}}
    output = (tools, approval, {"type": "compaction"}, searched, SPOKEN)
    product.log(response("r1", [*asked, searched], *output), log_format="openai_chat")
    assert product.ingest().rejects == {}
    (row,) = product.rows(INTERACTIONS)
    assert row["answer"] == "Answer."
    assert [turn["role"] for turn in row["prompt"]] == ["user", "assistant", "tool", "tool", "tool"]
    assert [row["prompt"][place]["content"] for place in (2, 4)] == ["RESULT", "Part."]
    assert json.loads(row["prompt"][3]["content"].removeprefix("\ufffc")) == asked[4]["output"]


def test_a_response_that_failed_is_an_error_without_a_text(product: Product):
    error = {"code": "server_error", "message": "The model is overloaded."}
    product.log(
        response("r1", "Hi?", status="failed", error=error),
        response("r2", "Hi?", SPOKEN, status="completed", error=None),
        chosen("r3", error={"message": "Too many requests."}),
        log_format="openai_chat",
    )
    assert product.ingest().rejects == {}
    rows = sorted(product.rows(INTERACTIONS), key=lambda row: row["interaction_id"])
    assert [(row["answer"], row["error"], row["error_message"]) for row in rows] == [
        (None, True, "The model is overloaded."),
        ("Answer.", False, None),
        (None, True, "Too many requests."),
    ]
    assert {row["answered_at"].timestamp() for row in rows} == {CREATED}


def test_the_fields_of_a_response_that_are_read_are_known():
    line = response(
        "r1", "Hi?", SPOKEN, status="incomplete", error=None, incomplete_details={}, instructions="Be kind."
    )
    assert joined_fields(line, fields_of("openai_chat")) is None


def test_a_line_of_a_preference_file_is_two_answers_and_a_preference(product: Product):
    line = {
        "input": {"messages": [{"role": "user", "content": "Hello?"}]},
        "preferred_output": [{"role": "assistant", "content": "Good day."}],
        "non_preferred_output": [{"role": "assistant", "content": "What?"}],
    }
    product.log(line, log_format="openai_chat")
    assert product.ingest().rejects == {}
    event = product.rows(FEEDBACK)[0]
    assert (event["kind"], event["preferred"], event["rejected"]) == ("preference", "Good day.", "What?")
    assert sorted(row["answer"] for row in product.rows(INTERACTIONS)) == ["Good day.", "What?"]


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (chosen("c", {"delta": {"content": "Hel"}}, object="chat.completion.chunk"), "unknown_kind", "a chunk"),
        ({"custom_id": "r-1", "response": {"body": {}}}, "unknown_kind", "the batch API"),
        (answered("c", {"content": "Not this.", "weight": 0}), "unknown_kind", "weight 0"),
        ({"prompt": "Hi?", "completion": "Hello."}, "missing_field", "an object with prompt, completion"),
        ({"object": "response", "output": []}, "wrong_type", "input"),
        (chosen("c", "Hello."), "wrong_type", "choices"),  # type: ignore[arg-type]
    ],
)
def test_a_line_of_another_kind_is_rejected_by_its_name(product: Product, line: Row, reason: str, detail: str):
    product.log(line, log_format="openai_chat")
    ingested = product.ingest()
    assert (ingested.lines, ingested.rejects) == (1, {reason: 1})
    assert detail in product.rows(REJECTED_RECORDS)[0]["detail"]


def test_numbers_and_blanks_in_the_metadata_cost_no_answer(product: Product):
    product.log(answered("c", {"content": "Yes."}, metadata={"task": 7, "session_id": 12}), log_format="openai_chat")
    product.ingest()
    row = product.rows(INTERACTIONS)[0]
    assert (row["task"], row["session_id"]) == ("7", "12")
