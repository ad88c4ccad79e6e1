"""The server through the `openai` client: streams, usage, several choices, and its own types of errors."""

import json
from typing import Any

import httpx2
import pytest

from rl_assets_tests.serving.server.conftest import DPO, SFT
from rl_assets_tests.support.embedded_server import QUESTION, EmbeddedServer


@pytest.fixture(scope="module")
def client(loaded_server: EmbeddedServer) -> Any:
    import openai

    return openai.OpenAI(base_url=f"{loaded_server.url}/v1", api_key="none", max_retries=0)


def test_a_stream_is_the_whole_answer_in_pieces(server: EmbeddedServer, client: Any):
    asked: dict[str, Any] = {"messages": QUESTION, "temperature": 0, "max_tokens": 12, "logprobs": True}
    for model in ("base", SFT, DPO):
        whole = client.chat.completions.create(model=model, **asked)
        stream = client.chat.completions.create(
            model=model, **asked, stream=True, stream_options={"include_usage": True}
        )
        *chunks, last = list(stream)
        choices = [chunk.choices[0] for chunk in chunks]
        assert choices[0].delta.role == "assistant"
        assert "".join(choice.delta.content or "" for choice in choices) == whole.choices[0].message.content
        told = [token for choice in choices if choice.logprobs for token in choice.logprobs.content]
        assert [token.token for token in told] == [token.token for token in whole.choices[0].logprobs.content]
        assert choices[-1].finish_reason == whole.choices[0].finish_reason
        assert last.choices == [] and last.usage == whole.usage
        assert all(chunk.usage is None for chunk in chunks)
        assert len({chunk.id for chunk in (*chunks, last)}) == 1


def test_a_stream_without_usage_ends_with_its_answer(client: Any):
    stream = client.chat.completions.create(model="base", messages=QUESTION, max_tokens=3, n=2, stream=True)
    chunks = list(stream)
    assert all(chunk.choices for chunk in chunks)
    assert {chunk.choices[0].index for chunk in chunks} == {0, 1}
    assert sum(chunk.choices[0].finish_reason is not None for chunk in chunks) == 2


def test_errors_are_those_of_the_client(client: Any):
    import openai

    with pytest.raises(openai.NotFoundError, match="does not exist") as unknown:
        client.chat.completions.create(model="nobody", messages=QUESTION)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError, match="maximum context length is 2048 tokens") as long:
        client.chat.completions.create(model="base", messages=QUESTION, max_tokens=4000)
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError, match="top_logprobs needs logprobs"):
        client.chat.completions.create(model="base", messages=QUESTION, top_logprobs=2)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages.0.content"),
        ({"temperature": -1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 1000}, "n"),
        ({"stop": [""]}, "stop"),
        ({"seed": 2**80}, "seed"),
    ],
)
def test_fields_that_make_no_sense_are_named(server: EmbeddedServer, fields: dict[str, Any], named: str):
    body = json.dumps({"model": "base", "messages": QUESTION} | fields)
    answer = httpx2.post(
        f"{server.url}/v1/chat/completions", content=body, headers={"content-type": "application/json"}, timeout=60
    )
    assert answer.status_code == 400
    assert named in answer.json()["error"]["message"]
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_unknown_fields_and_parts_of_texts_are_taken(server: EmbeddedServer):
    parts = [
        {"role": "user", "content": [{"type": "text", "text": "Which colour has "}, {"type": "text", "text": "it?"}]}
    ]
    whole = [{"role": "user", "content": "Which colour has it?", "name": "somebody"}]
    assert server.tokens("base", parts, metadata={"a": 1}, tools=[], user="u") == server.tokens("base", whole)


def test_a_body_that_is_too_large_or_no_json_is_refused(server: EmbeddedServer):
    def send(content: bytes, kind: str = "application/json") -> tuple[int, str]:
        url = f"{server.url}/v1/chat/completions"
        answer = httpx2.post(url, content=content, headers={"content-type": kind}, timeout=60)
        return answer.status_code, answer.json()["error"]["message"]

    assert send(b" " * (4 * 1024 * 1024 + 1)) == (
        413,
        "The body is larger than 4,194,304 bytes: send a shorter conversation.",
    )
    assert send(b"{}", "text/plain") == (415, "The content type is 'text/plain': send application/json.")
    assert send(b'{"model": "base", "messages": [')[0] == 400
    assert send(b'{"model": "\\ud800", "messages": []}')[0] == 400


def test_the_prompt_is_rendered_as_the_evaluation_renders_it(server: EmbeddedServer, loaded: Any):
    from rl_assets.models.encoding import prompt_ids

    told = server.post("/tokenize", model=SFT, messages=QUESTION).json()
    ids = prompt_ids(loaded[1], QUESTION)
    assert told == {"tokens": ids, "count": len(ids), "max_model_len": 2048}


def test_other_paths_and_methods_are_answered_in_the_same_form(server: EmbeddedServer):
    for method, path, status in (("GET", "/v2/nothing", 404), ("GET", "/v1/chat/completions", 405)):
        answer = httpx2.request(method, server.url + path, timeout=60)
        assert answer.status_code == status
        assert path in answer.json()["error"]["message"]
