"""A model server of tests: OpenAI-compatible, in a thread, with answers as recorded bytes that a function chooses."""

import asyncio
import json
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


@dataclass
class Asked:
    """A request as the server got it."""

    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class ModelServer:
    """`answer` gives the reply to each request; `left` counts clients that closed a connection before the end."""

    answer: Callable[[Asked], Response | Awaitable[Response]]
    asked: list[Asked] = field(default_factory=list)
    left: int = 0
    url: str = ""

    async def handle(self, request: Request) -> Response:
        asked = Asked(json.loads(await request.body()), dict(request.headers))
        self.asked.append(asked)
        answering = asyncio.ensure_future(self._answered(asked))
        leaving = asyncio.ensure_future(request.receive())
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            self.left += 1
            answering.cancel()
            return Response(status_code=499)
        leaving.cancel()
        return answering.result()

    async def _answered(self, asked: Asked) -> Response:
        reply = self.answer(asked)
        return reply if isinstance(reply, Response) else await reply

    def streamed(self, events: list[bytes], pause_s: float = 0.0, dies_after: int | None = None) -> Response:
        """Events one by one; `dies_after` so many the connection breaks."""
        return StreamingResponse(self._events(events, pause_s, dies_after), media_type="text/event-stream")

    async def _events(self, events: list[bytes], pause_s: float, dies_after: int | None) -> AsyncIterator[bytes]:
        try:
            for number, event in enumerate(events):
                if number == dies_after:
                    raise ConnectionAbortedError
                yield event
                await asyncio.sleep(pause_s)
        except asyncio.CancelledError:
            self.left += 1
            raise


def completion(text: str | None, **message: Any) -> Response:
    """A whole answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    whole = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}
    return Response(json.dumps(whole), media_type="application/json")


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(finish_reason: str | None = None, index: int = 0, **delta: Any) -> bytes:
    """One event of a streamed answer."""
    choices = [{"index": index, "delta": delta, "finish_reason": finish_reason}]
    return event({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices})


def usage_chunk() -> bytes:
    """The event that `include_usage` adds."""
    value = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": USAGE}
    return event(value)


DONE = b"data: [DONE]\n\n"


def word_events(text: str) -> list[bytes]:
    """A streamed answer, one word an event."""
    words = [chunk(content=word) for word in text.split(" ")]
    return [chunk(role="assistant", content=""), *words, chunk("stop"), usage_chunk(), DONE]


@contextmanager
def model_server(answer: Callable[[Asked], Any]) -> Iterator[ModelServer]:
    """A server that answers so, from when it listens to the end of the block."""
    model = ModelServer(answer)
    app = Starlette(routes=[Route("/v1/chat/completions", model.handle, methods=["POST"])])
    with app_server(app) as url:
        model.url = url
        yield model


@contextmanager
def app_server(app: Any) -> Iterator[str]:
    """The address of an ASGI application that runs in a thread to the end of the block."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    # Who asks before the server is up waits for it.
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


PAUSE_S = 0.02


def main() -> None:
    """`python -m rl_assets_tests.support.model_server PORT`: streams as many words as `words` asks for, with pauses."""
    asked_for = "word " * 1_000

    def answer(asked: Asked) -> Response:
        events = word_events(asked_for.rstrip().rsplit(" ", 1_000 - asked.body.get("words", 2))[0])
        return model.streamed(events, PAUSE_S) if asked.body.get("stream") else completion("A word.")

    model = ModelServer(answer)
    app = Starlette(routes=[Route("/v1/chat/completions", model.handle, methods=["POST"])])
    uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", access_log=False)


if __name__ == "__main__":
    main()
