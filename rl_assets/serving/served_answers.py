"""Requests to a model server, for the checks: one greedy answer with what the server says of its tokens."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.serving.drivers.protocol import ServerError
from rl_assets.serving.names import request_name
from rl_assets.serving.ports import open_url

TIMEOUT_S = 300.0
SHOWN = 300


@dataclass(frozen=True)
class ServedToken:
    """A token of an answer: its text, and its natural log-probability at temperature 1."""

    text: str
    log_probability: float


@dataclass(frozen=True)
class ServedAnswer:
    """One answer. What the server does not report is None: token ids, tokens, the length of the prompt."""

    text: str
    finish_reason: str | None
    seconds: float
    prompt_tokens: int | None = None
    prompt_ids: tuple[int, ...] | None = None
    tokens: tuple[ServedToken, ...] | None = None
    token_ids: tuple[int, ...] | None = None


@dataclass(frozen=True)
class ModelServer:
    """One replica: its URL without `/v1`, its key, and whether it gives token ids when asked for them, as vLLM does.

    `driver` decides how it is asked for a name.
    """

    url: str
    key: str | None = None
    gives_ids: bool = False
    driver: str = "embedded"

    def answer(self, model: str, prompt: Sequence[Message], max_tokens: int) -> ServedAnswer:
        """The greedy answer of a model. ServerError if the server gives none."""
        name = request_name(self.driver, model)
        asked = {"model": name, "messages": list(prompt), "max_tokens": max_tokens, "temperature": 0, "logprobs": True}
        started = time.perf_counter()
        reply = self._post("/v1/chat/completions", asked | ({"return_token_ids": True} if self.gives_ids else {}))
        return _read(reply, time.perf_counter() - started, self.url)

    def answers(
        self, asked: Sequence[tuple[str, Sequence[Message]]], max_tokens: int, at_once: int = 1
    ) -> list[ServedAnswer]:
        """The answers to (model, prompt), in their order, so many at once."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(lambda pair: self.answer(pair[0], pair[1], max_tokens), asked))

    def prompt_ids(self, model: str, prompt: Sequence[Message]) -> tuple[int, ...] | None:
        """The server's token ids of a conversation, by vLLM's route `/tokenize`; None if it has none."""
        if not self.gives_ids:
            return None
        reply = self._post("/tokenize", {"model": model, "messages": list(prompt), "add_generation_prompt": True})
        return _ids(reply.get("tokens"))

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.key}"} if self.key else {})
        request = urllib.request.Request(self.url + path, json.dumps(body).encode("utf-8"), headers)
        try:
            with open_url(request, timeout=TIMEOUT_S) as response:
                reply = json.load(response)
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")[:SHOWN]
            raise ServerError(f"{self.url}{path} returns {error.code} for {body['model']}: {text}") from error
        except OSError as error:
            raise ServerError(f"{self.url} does not answer: {getattr(error, 'reason', error)}") from error
        except ValueError as error:
            raise ServerError(f"{self.url}{path} returns no JSON: {error}") from error
        if not isinstance(reply, dict):
            raise ServerError(f"{self.url}{path} returns no JSON object")
        return reply


def _read(reply: dict[str, Any], seconds: float, url: str) -> ServedAnswer:
    try:
        choice = reply["choices"][0]
        scores = (choice.get("logprobs") or {}).get("content")
        tokens = scores and tuple(ServedToken(str(one["token"]), float(one["logprob"])) for one in scores)
        return ServedAnswer(
            text=choice["message"]["content"] or "",
            finish_reason=choice.get("finish_reason"),
            seconds=seconds,
            prompt_tokens=(reply.get("usage") or {}).get("prompt_tokens"),
            prompt_ids=_ids(reply.get("prompt_token_ids")),
            tokens=tokens or None,
            token_ids=_ids(choice.get("token_ids")),
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ServerError(f"{url} returns what is no chat completion: {json.dumps(reply)[:SHOWN]}") from error


def _ids(values: Any) -> tuple[int, ...] | None:
    return tuple(map(int, values)) if isinstance(values, list) else None
