"""Chat completions of one server as checks need them: the text, its tokens with log-probabilities, and the headers."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.serving.drivers.openai_server import OpenAIServer, error_text
from rl_assets.serving.drivers.protocol import ServerError

ANSWER_S = 120.0


@dataclass(frozen=True)
class ServedAnswer:
    """One answer. `tokens` are the texts of its tokens, `logprobs` their natural log-probabilities; None if not told.

    `token_ids` and `prompt_ids` are told by vLLM and the embedded server alone. `headers` have lower-case names.
    """

    text: str
    tokens: tuple[str, ...] | None
    logprobs: tuple[float, ...] | None
    token_ids: tuple[int, ...] | None
    prompt_ids: tuple[int, ...] | None
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str
    headers: Mapping[str, str]
    seconds: float


def chat(
    server: OpenAIServer,
    model: str,
    messages: Sequence[Message],
    max_tokens: int,
    *,
    logprobs: bool = True,
    extra: Mapping[str, Any] | None = None,
) -> ServedAnswer:
    """The greedy answer. `extra` are further fields of the request, such as `return_token_ids` or `cache_prompt`.

    ServerError if the server refuses, or answers what is no chat completion.
    """
    asked = {"model": model, "messages": list(messages), "max_tokens": max_tokens, "temperature": 0}
    if logprobs:
        asked["logprobs"] = True
    started = time.perf_counter()
    response = server.send("POST", "/v1/chat/completions", asked | dict(extra or {}), ANSWER_S)
    seconds = time.perf_counter() - started
    body = _json(response)
    if response.status_code != 200:
        raise ServerError(
            f"{server.url} did not answer as {model}: {response.status_code}, {error_text(body)}. See that the name is "
            "loaded, and the server's log."
        )
    try:
        return _answer(body, {name.lower(): value for name, value in response.headers.items()}, seconds)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ServerError(
            f"{server.url} answered as {model} with what is no chat completion ({error!r}): {error_text(body)}"
        ) from error


def tokenize(server: OpenAIServer, model: str, messages: Sequence[Message]) -> list[int] | None:
    """Token ids of the prompt as the server renders it (vLLM's `/tokenize`); None if it has no such route."""
    status, body = server.call("POST", "/tokenize", {"model": model, "messages": list(messages)})
    if status in (404, 405):
        return None
    if status != 200 or not isinstance(body, dict) or not isinstance(body.get("tokens"), list):
        raise ServerError(f"{server.url}/tokenize answered {status} for {model}: {error_text(body)}.")
    return [int(token) for token in body["tokens"]]


def _answer(body: Any, headers: Mapping[str, str], seconds: float) -> ServedAnswer:
    choice, usage = body["choices"][0], body["usage"]
    told = (choice.get("logprobs") or {}).get("content")
    return ServedAnswer(
        text=choice["message"]["content"] or "",
        tokens=None if told is None else tuple(str(token["token"]) for token in told),
        logprobs=None if told is None else tuple(float(token["logprob"]) for token in told),
        token_ids=_ids(choice.get("token_ids")),
        prompt_ids=_ids(body.get("prompt_token_ids")),
        prompt_tokens=int(usage["prompt_tokens"]),
        completion_tokens=int(usage["completion_tokens"]),
        finish_reason=str(choice["finish_reason"]),
        headers=headers,
        seconds=seconds,
    )


def _ids(ids: Any) -> tuple[int, ...] | None:
    return None if ids is None else tuple(int(token) for token in ids)


def _json(response: Any) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text
