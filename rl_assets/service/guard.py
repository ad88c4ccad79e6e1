"""What stands before every route: the origin of a request, size and validity of its body, headers of the reply."""

from collections.abc import Iterator

from starlette.datastructures import URL, Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rl_assets.service.origin import refusal
from rl_assets.service.strict_body import UnusableBodyError, check_json

MAX_BODY_BYTES = 1_000_000
HEADERS = {
    # Pages need one style sheet and one script of this host, and nothing else. Texts of the log may hold any markup.
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With `no-referrer`, browsers would send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class BodyTooLargeError(ValueError):
    """The body has more bytes than are read."""


class ClientGoneError(ConnectionError):
    """The client went away before its body was complete."""


class Guard:
    """ASGI middleware around the application; `origins` may send forms besides the service's own."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self.app, self.origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        guarded = _with_headers(send)
        headers = Headers(scope=scope)
        problem = _unusable_url(scope) or refusal(scope["method"], URL(scope=scope), headers, self.origins)
        if problem:
            await _reply(scope, receive, guarded, 403 if problem != BAD_URL else 400, problem)
            return
        try:
            body = await _read(headers, receive)
            if _is_json(headers) and body:
                check_json(body)
        except ClientGoneError:
            # Half of a form is no form: what was typed would be kept without its end.
            return
        except BodyTooLargeError:
            await _reply(scope, receive, guarded, 413, f"the body has more than {MAX_BODY_BYTES:,} bytes: send less")
        except UnusableBodyError as error:
            await _reply(scope, receive, guarded, 422, error.detail, error.field)
        else:
            await self.app(scope, _replay(body, receive), guarded)


BAD_URL = "the address holds the character NUL"


def _unusable_url(scope: Scope) -> str | None:
    is_bad = "\x00" in scope["path"] or b"%00" in scope["query_string"]
    return BAD_URL if is_bad else None


def _is_json(headers: Headers) -> bool:
    """Whether a route may read the body as JSON: also types such as `application/problem+json`."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind.endswith(("/json", "+json"))


async def _read(headers: Headers, receive: Receive) -> bytes:
    """The body, read in pieces and no further than its limit. Raises BodyTooLargeError and ClientGoneError."""
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise BodyTooLargeError
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        piece = message.get("body", b"")
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise BodyTooLargeError
        if not message.get("more_body", False):
            return b"".join(pieces)


def _replay(body: bytes, receive: Receive) -> Receive:
    """What the application receives: the body that was read, then what the server has."""
    first: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replay() -> Message:
        message = next(first, None)
        return await receive() if message is None else message

    return replay


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return guarded


async def _reply(
    scope: Scope, receive: Receive, send: Send, status: int, detail: str, field: str | None = None
) -> None:
    response = JSONResponse({"detail": detail, "field": field}, status)
    await response(scope, receive, send)
