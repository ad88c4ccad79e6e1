"""Bodies of requests: read in pieces up to a limit, and a chat completion's checked as far as the gateway needs it.

Everything else of a request is the model server's to judge, so it passes unchanged.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Receive

from rl_assets.ingest.parsers import is_missing
from rl_assets.routing.categories import category_of
from rl_assets.serving.gateway.errors import CallError

MAX_BODY_BYTES = 10 * 2**20
MAX_ID = 200


class ClientGoneError(Exception):
    """The caller closed the connection before the body was complete."""


async def read_body(headers: Headers, receive: Receive, limit: int = MAX_BODY_BYTES) -> bytes:
    """The body. Raises CallError if it is too large or compressed, ClientGoneError if it never comes."""
    if headers.get("content-encoding", "identity") != "identity":
        raise CallError(415, "The body is compressed: send it as plain JSON.")
    if (length := headers.get("content-length", "")).isdigit() and int(length) > limit:
        raise _too_large(limit)
    pieces, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join(pieces)


def _too_large(limit: int) -> CallError:
    return CallError(413, f"The body has more than {limit // 2**20} MB.", code="body_too_large")


@dataclass(frozen=True)
class ChatRequest:
    """A chat completion that was asked for; `body` is the caller's, as JSON, of `size` bytes."""

    body: Mapping[str, Any]
    headers: Headers
    size: int

    @property
    def model(self) -> str | None:
        return self.body.get("model")

    @property
    def streams(self) -> bool:
        return self.body.get("stream") is True

    @property
    def wants_usage(self) -> bool:
        """Whether the caller asked for the usage at the end of a stream."""
        options = self.body.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    @property
    def session(self) -> str | None:
        """The conversation's id, if the caller gave one."""
        return self._label("x-conversation-id", "session_id")

    @property
    def conversation(self) -> str:
        """What the arm is drawn by: the conversation's id, else a hash of the user and their first message."""
        if self.session:
            return self.session
        first = next((each for each in self.body["messages"] if each.get("role") == "user"), None)
        known = json.dumps([self.user, first and first.get("content")], ensure_ascii=False, sort_keys=True)
        return sha256(known.encode("utf-8")).hexdigest()

    @property
    def user(self) -> str | None:
        value = self.body.get("user")
        return value if isinstance(value, str) and value else self._label("x-user-id", "user_id")

    @property
    def segment(self) -> str | None:
        return self._label("x-segment", "segment")

    @property
    def category(self) -> str:
        """What the caller says, else by the words of the first message of the user: the same in all turns."""
        return self._label("x-category", "category") or category_of(self._first_question())

    @property
    def interaction_id(self) -> str | None:
        """The id that the caller wants for the answer; None if it cannot be a header, or names nothing."""
        value = (self._label("x-interaction-id", "interaction_id") or "")[:MAX_ID].strip()
        return value if value and value.isascii() and value.isprintable() and not is_missing(value) else None

    def body_for(self, model: str) -> bytes:
        """The body as a server gets it: with its name of the model, and asked for the usage of a stream."""
        body = {**self.body, "model": model}
        if self.streams:
            options = self.body.get("stream_options")
            body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        return _dumped(body)

    def _first_question(self) -> str:
        """The text of the user's first message, without pictures and files."""
        content = next((each.get("content") for each in self.body["messages"] if each.get("role") == "user"), None)
        if not isinstance(content, list):
            return content if isinstance(content, str) else ""
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "\n".join(text for text in texts if isinstance(text, str))

    def _label(self, header: str, key: str) -> str | None:
        metadata = self.body.get("metadata")
        given = self.headers.get(header)
        value = _decoded(given) if given else metadata.get(key) if isinstance(metadata, dict) else None
        return value.strip() or None if isinstance(value, str) else None


def _decoded(header: str) -> str:
    """The text of a header that was read as Latin-1: most clients send UTF-8."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return header


def read_chat(body: bytes, headers: Headers) -> ChatRequest:
    """The request. Raises CallError for what is no chat completion, with the parameter at fault."""
    value = _loaded(body)
    if not isinstance(value, dict):
        raise CallError(400, "The body must be a JSON object with `messages`.")
    messages = value.get("messages")
    if not isinstance(messages, list) or not messages:
        raise CallError(400, "`messages` must be a list of at least one message.", param="messages")
    if not all(isinstance(message, dict) for message in messages):
        raise CallError(400, "Each of `messages` must be an object with `role` and `content`.", param="messages")
    for name, kind, words in (("model", str, "a text"), ("stream", bool, "true or false")):
        if value.get(name) is not None and not isinstance(value[name], kind):
            raise CallError(400, f"`{name}` must be {words}.", param=name)
    return ChatRequest(value, headers, len(body))


def _loaded(body: bytes) -> Any:
    """The JSON value, if it is one that can be sent on."""
    try:
        value = json.loads(body.decode("utf-8"))
        _dumped(value)
    except UnicodeEncodeError:
        raise CallError(400, "The body holds a lone surrogate (half of a character), which is no text.") from None
    except RecursionError:
        raise CallError(400, "The body is nested too deeply.") from None
    except ValueError as error:  # Also of bytes that are no UTF-8, and of numbers that JSON does not have.
        raise CallError(400, f"The body is no JSON in UTF-8: {error}") from None
    return value


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
