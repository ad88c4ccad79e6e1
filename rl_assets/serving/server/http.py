"""Requests and responses over HTTP: bodies of a bounded size, errors in OpenAI's form, and clients that leave."""

import asyncio
import hmac
import ipaddress
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from rl_assets.serving.server.errors import RefusedError

Endpoint = Callable[[Request], Awaitable[Response]]
CLIENT_CLOSED_REQUEST = 499


def refusing(endpoint: Endpoint) -> Endpoint:
    """The endpoint, whose refusals become responses."""

    async def wrapped(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RefusedError as error:
            return JSONResponse(error.body(), error.status)
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED_REQUEST)

    return wrapped


async def json_body(request: Request, max_bytes: int) -> bytes:
    """The body of a request with JSON: 413 if it is too large, 415 if it does not say that it is JSON.

    A page of another site cannot send that type without being allowed to, so none can use a server of this machine.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RefusedError(415, f"The content type is {media_type[:100]!r}: send application/json.")
    chunks, size = [], 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            raise RefusedError(413, f"The body is larger than {max_bytes:,} bytes: send a shorter conversation.")
    return b"".join(chunks)


def require_token(request: Request, token: str | None) -> None:
    """401 unless the request carries the token, if there is one; else 403 for names of other hosts.

    A page of another site can give its own name the address of this machine, and would then be asked nothing more.
    """
    if token is None and not is_loopback(request.url.hostname or ""):
        raise RefusedError(
            403, f"This route is asked as {request.url.hostname!r}: ask it as 127.0.0.1.", "permission_error"
        )
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if token is None or (scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())):
        return
    message = "This route needs the header `Authorization: Bearer <RL_ASSETS_SERVING_ADMIN_TOKEN>`."
    raise RefusedError(401, message, "authentication_error", code="invalid_api_key")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine's own address, which no other reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def until_gone(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_gone(request: Request, work: Awaitable[Any]) -> Any:
    """What the work gives; ClientDisconnect as soon as nobody waits for it, and the work is cancelled."""
    doing, gone = asyncio.ensure_future(work), asyncio.ensure_future(until_gone(request.receive))
    try:
        await asyncio.wait({doing, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDisconnect
        return doing.result()
    finally:
        doing.cancel()
        gone.cancel()


class EventStream(Response):
    """Server-sent events: each value as `data: <JSON>`, then `data: [DONE]`. A failure is an event with the error.

    `closed` is called at the end, and at once when the client leaves, before the first event too.
    """

    media_type = "text/event-stream"

    def __init__(self, values: AsyncIterator[dict[str, Any]], closed: Callable[[], None]):
        super().__init__(headers={"cache-control": "no-cache"})
        del self.headers["content-length"]
        self._values, self._closed = values, closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending, gone = asyncio.ensure_future(self._send(send)), asyncio.ensure_future(until_gone(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            self._closed()
            gone.cancel()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for value in self._values:
                await send(_event(json.dumps(value, ensure_ascii=False)))
            await send(_event("[DONE]"))
        except RefusedError as error:
            await send(_event(json.dumps(error.body(), ensure_ascii=False)))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _event(data: str) -> dict[str, Any]:
    return {"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True}
