"""Pictures, sounds and files where each tool logs them: no conversation with one is trained on as text."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from rl_assets_tests.support.logs import DAY, Row, interaction
from rl_assets_tests.support.vendor_lines import Landed, land_together

BYTES = base64.b64encode(bytes(range(256))).decode("ascii")
URL = "https://a.example/b.png"
TIME = f"{DAY}T10:00:00Z"


def semconv(number: int, part: Row) -> Row:
    asked = [{"role": "user", "parts": [{"type": "text", "content": "What is it?"}, part]}]
    answered = [{"role": "assistant", "parts": [{"type": "text", "content": "A cat."}]}]
    messages = {"gen_ai.input.messages": json.dumps(asked), "gen_ai.output.messages": json.dumps(answered)}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in messages.items()]
    span = {"traceId": "5b" * 16, "spanId": f"{number:016x}", "name": "chat", "attributes": attributes}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [{**span, "startTimeUnixNano": "1795341600000000000"}]}]}]}


def request(name: str, body: Row, response: Row) -> Row:
    return {"request_id": name, "request_created_at": TIME, "request_body": body, "response_body": response}


def rated(name: str, *files: Row, answered: tuple[Row, ...] = ()) -> Row:
    asked = {"id": "q", "role": "user", "content": "What is it?", "files": [*files]}
    answer = {"id": name, "parentId": "q", "role": "assistant", "content": "A cat.", "files": [*answered]}
    chat = {"history": {"messages": {"q": asked, name: answer}}}
    data = {"id": f"f-{name}", "user_id": "mary", "type": "rating", "data": {"rating": 1}, "meta": {"message_id": name}}
    return {**data, "snapshot": {"chat": {"chat": chat}}, "created_at": TIME}


def asked_dify(name: str, **fields: Any) -> Row:
    return {"id": name, "query": "What is it?", "answer": "A cat.", "created_at": TIME, **fields}


def shared(name: str, value: str, **fields: Any) -> Row:
    turns = [{"from": "human", "value": value}, {"from": "gpt", "value": "A cat."}]
    return {"id": name, "conversations": turns, **fields}


def chat(name: str, message: Row, **answer: Any) -> Row:
    return {"id": name, "messages": [{"role": "user", **message}, {"role": "assistant", "content": "A cat.", **answer}]}


DIFY_FILE = {"id": "p1", "type": "image", "url": URL, "belongs_to": "user"}
CONVERSE = {"output": {"message": {"role": "assistant", "content": [{"text": "A cat."}]}}}
S3 = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/c.png"}}}}
OLLAMA = {"role": "user", "content": "What is it?", "images": [BYTES]}
SCREENSHOT = {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": URL}}
PAINTED = {"type": "image_generation_call", "result": BYTES}
RESPONSE = {"object": "response", "output": [{"type": "message", "content": [{"type": "output_text", "text": "Yes."}]}]}
MEDIA: dict[str, tuple[str, Row]] = {
    "a blob": ("otel_genai", semconv(1, {"type": "blob", "modality": "image", "content": BYTES})),
    "an address": ("otel_genai", semconv(2, {"type": "uri", "modality": "image", "uri": URL})),
    "a file of a rated chat": ("open_webui", rated("w1", {"type": "image", "url": f"data:image/png;base64,{BYTES}"})),
    "a document of a rated chat": ("open_webui", rated("w2", {"type": "file", "id": "d", "file": {"data": {}}})),
    "a painted answer": ("open_webui", rated("w3", answered=({"type": "image", "url": "/cache/1.png"},))),
    "a message's file": ("dify", asked_dify("d1", message_files=[DIFY_FILE])),
    "a file of the prompt": (
        "dify",
        asked_dify("d2", message=[{"role": "user", "text": "?", "files": [{"type": "image", "data": "iVBO...[...]"}]}]),
    ),
    "a file beside the prompt": (
        "dify",
        asked_dify("d3", message=[{"role": "user", "text": "?", "files": []}], message_files=[DIFY_FILE]),
    ),
    "an assistant's file": ("dify", asked_dify("d4", message_files=[{**DIFY_FILE, "belongs_to": "assistant"}])),
    "a column of pictures": ("sharegpt", shared("s1", "<image>What is it?", images=["a.png"])),
    "a column of sounds": ("sharegpt", shared("s2", "What is it?", audios=["a.wav"])),
    "one picture": ("sharegpt", shared("s3", "<image>\nWhat is it?", image="a.png")),
    "a placeholder": ("sharegpt", shared("s4", "What is it?\n<image>")),
    "pictures of a message": (
        "helicone",
        request("h1", {"messages": [OLLAMA]}, {"message": {"role": "assistant", "content": "A cat."}}),
    ),
    "pictures of a prompt": (
        "helicone",
        request("h2", {"prompt": "What is it?", "images": [BYTES]}, {"response": "A cat."}),
    ),
    "a place in a store": (
        "helicone",
        request("h3", {"messages": [{"role": "user", "content": [{"text": "What is it?"}, S3]}]}, CONVERSE),
    ),
    "pictures beside a text": ("openai_chat", chat("c1", {"content": "What is it?", "images": [BYTES]})),
    "a picture beside an answer": ("openai_chat", chat("c2", {"content": "Paint."}, images=[{"type": "image_url"}])),
    "a bare picture": ("openai_chat", chat("c3", {"content": [{"type": "image", "image": BYTES}]})),
    "a screen": ("openai_chat", {"id": "c4", **RESPONSE, "input": [SCREENSHOT]}),
    "a painted response": ("openai_chat", {"id": "c5", **RESPONSE, "input": "Paint.", "output": [PAINTED]}),
    "pictures of messages": ("interaction_log", interaction("i1", query="And now?", messages=[OLLAMA])),
}
TEXTS: dict[str, tuple[str, Row]] = {
    "no file": ("open_webui", rated("w9")),
    "what was searched": ("open_webui", rated("w8", {"type": "web_search", "urls": [URL]})),
    "no picture": ("sharegpt", shared("s9", "Why is <image> an element of RSS?", images=[])),
    "no file of a message": ("dify", asked_dify("d9", message_files=[])),
    "no pictures": ("openai_chat", chat("c9", {"content": "Hi.", "images": None})),
}


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Landed]:
    folder: Path = tmp_path_factory.mktemp("media")
    return land_together(folder, {case: (name, [line]) for case, (name, line) in {**MEDIA, **TEXTS}.items()})


@pytest.mark.parametrize("case", MEDIA)
def test_a_conversation_with_media_has_no_roles_and_none_of_their_bytes(landed: dict[str, Landed], case: str):
    (row,) = landed[case].interactions
    assert (landed[case].rejects, row["roles"]) == ([], None)
    texts = [*(turn["content"] for turn in row["prompt"]), row["answer"]]
    assert any("\ufffc{" in text for text in texts)
    assert not any(BYTES in text for text in texts)


@pytest.mark.parametrize("case", TEXTS)
def test_a_conversation_of_texts_alone_has_roles(landed: dict[str, Landed], case: str):
    (row,) = landed[case].interactions
    assert row["roles"] == "user"


def test_two_files_make_two_questions(tmp_path: Path):
    lines = [asked_dify(f"d{number}", message_files=[{**DIFY_FILE, "id": f"p{number}"}]) for number in (1, 2)]
    lines.append(asked_dify("d3", message_files=[{**DIFY_FILE, "id": "p1", "url": f"{URL}?sign=2"}]))
    rows = {row["interaction_id"]: row for row in land_together(tmp_path, {"": ("dify", lines)})[""].interactions}
    assert rows["d1"]["prompt_key"] == rows["d3"]["prompt_key"] != rows["d2"]["prompt_key"]
