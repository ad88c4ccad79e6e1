"""The gateway's ASGI application: chat completions, models, feedback, health and metrics."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from rl_assets.serving.feedback_lines import FeedbackError, Line, ReadFeedback, read_feedback
from rl_assets.serving.gateway.arms import AUTO, choose
from rl_assets.serving.gateway.bodies import ChatRequest, ClientGoneError, read_body, read_chat
from rl_assets.serving.gateway.current_routing import NOTHING_SERVED
from rl_assets.serving.gateway.errors import CallError
from rl_assets.serving.gateway.relay import Relay
from rl_assets.serving.gateway.state import GatewayState
from rl_assets.serving.lines import Call, Caller
from rl_assets.serving.ports import is_loopback
from rl_assets.serving.routing import Routing
from rl_assets.serving.spool import Entry

MAX_FEEDBACK_BYTES = 2**20
OPEN_PATHS = {"/health"}


def build_app(state: GatewayState) -> ASGIApp:
    """The application. Its lifespan starts the log and watches the routing file."""
    completions = ChatCompletions(state)
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", completions, methods=["POST"]),
            Route("/v1/models", partial(_models, state)),
            Route("/v1/feedback", partial(_feedback, state), methods=["POST"]),
            Route("/feedback", partial(_feedback, state), methods=["POST"]),
            Route("/health", partial(_health, state)),
            Route("/metrics", partial(_metrics, state)),
        ],
        lifespan=partial(_lifespan, state),
    )
    return Guard(app, state.token)


class Guard:
    """Lets requests with the bearer token pass, or without one all but those of foreign pages in a browser.

    Plain ASGI: nothing between a caller and a stream.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.app, self.expected = app, f"Bearer {token}".encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = self._refusal(dict(scope["headers"])) if scope["type"] == "http" else None
        if error is None or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
        else:
            await error.response()(scope, receive, send)

    def _refusal(self, headers: dict[bytes, bytes]) -> CallError | None:
        if self.expected is None:
            return _foreign_page(headers.get(b"origin"))
        if hmac.compare_digest(headers.get(b"authorization", b""), self.expected):
            return None
        return CallError(401, "Send the gateway's token: Authorization: Bearer ...", code="invalid_api_key")


def _foreign_page(origin: bytes | None) -> CallError | None:
    """Browsers let any page send to this machine, and say from where: it would give feedback in its visitor's name."""
    if origin is None:
        return None
    try:
        host = urlsplit(origin.decode("latin-1")).hostname or ""
    except ValueError:
        host = ""
    if is_loopback(host):
        return None
    message = "Pages of other sites may not use a gateway without a token: set RL_ASSETS_GATEWAY_TOKEN, and send it."
    return CallError(403, message, "permission_error", code="foreign_origin")


class ChatCompletions:
    """POST /v1/chat/completions, as plain ASGI: the client's leaving is seen while the answer is awaited."""

    def __init__(self, state: GatewayState) -> None:
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers = Headers(scope=scope)
            request = read_chat(await read_body(headers, receive), headers)
            await _look_once(self.state)
            relay = self._relay(request, send)
        except CallError as error:
            self.state.metrics.add("refused_total")
            await error.response()(scope, receive, send)
            return
        except ClientGoneError:
            self.state.metrics.add("refused_total")
            return
        await _until_gone(relay, receive)

    def _relay(self, request: ChatRequest, send: Send) -> Relay:
        state, routing = self.state, _routing_of(self.state)
        caller = Caller(request.session, request.user, request.segment, request.category)
        choice = choose(routing, request.model, request.conversation, caller.segment, caller.category)
        interaction_id = state.interaction_id(request.interaction_id)
        call = Call(interaction_id, request.body, caller, choice, routing.arms[choice.arm].agent)
        return Relay(state, request, routing, call, send)


async def _look_once(state: GatewayState) -> None:
    """A first routing file that appeared since the last look counts at once."""
    if state.routing.value is None:
        await asyncio.to_thread(state.routing.look)


def _routing_of(state: GatewayState) -> Routing:
    if state.routing.value is None:
        message = state.routing.problem or NOTHING_SERVED.format(path=state.home.routing)
        raise CallError(503, message, "service_unavailable", code="no_routing")
    return state.routing.value


async def _until_gone(relay: Relay, receive: Receive) -> None:
    """Run the relay until it is done, or until the client leaves: then what it asked for is closed at once."""
    answering, leaving = asyncio.create_task(relay.run()), asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _models(state: GatewayState, request: Request) -> Response:
    """Arms and `auto`, as OpenAI lists models."""
    await _look_once(state)
    try:
        routing = _routing_of(state)
    except CallError as error:
        return error.response()
    names = [AUTO, *sorted(routing.arms)]
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "rl_assets"} for name in names]
    return JSONResponse({"object": "list", "data": data})


async def _feedback(state: GatewayState, request: Request) -> Response:
    """Take feedback on an answer."""
    try:
        body = await read_body(request.headers, request.receive, MAX_FEEDBACK_BYTES)
        return _kept(state, read_feedback(body), len(body))
    except ClientGoneError:
        return Response(status_code=400)
    except CallError as error:
        return error.response()
    except FeedbackError as error:
        state.metrics.add("refused_total")
        return JSONResponse({"detail": str(error), "field": error.field}, 422)


def _kept(state: GatewayState, given: ReadFeedback, size: int) -> Response:
    """Log feedback; the same feedback again is kept once, and other content under its id is refused."""
    content = sha256(given.feedback.model_dump_json().encode("utf-8")).hexdigest()
    seen = state.feedback_seen.get(given.feedback_id)
    if seen not in (None, content):
        detail = f"feedback {given.feedback_id} was given with other content: send a new feedback_id"
        return JSONResponse({"detail": detail, "field": "feedback_id"}, 409)
    if seen is None:
        kept = [state.spool.put(_entry(line, size)) for line in given.lines(datetime.now(UTC))]
        if not all(kept):
            return JSONResponse({"detail": "Too many lines wait to be written: send it again.", "field": "body"}, 503)
        state.feedback_seen.put(given.feedback_id, content)
        state.metrics.add("feedback_total")
    reply = {"feedback_id": given.feedback_id, "interaction_id": given.feedback.interaction_id}
    return JSONResponse(reply, 202)


def _entry(line: Line, size: int) -> Entry:
    return Entry(lambda: line, size)


async def _health(state: GatewayState, request: Request) -> Response:
    """200 while calls can be answered; `problems` are sentences for an operator. Waits for no disk."""
    routing, problems = state.routing.value, state.problems()
    status = "no_routing" if routing is None else "degraded" if problems else "ok"
    report = {
        "status": status,
        "routing_version": routing.version if routing else None,
        "policy_version": routing.policy_version if routing else None,
        "arms": sorted(routing.arms) if routing else [],
        "problems": problems,
        "lines": {"waiting": state.spool.waiting, "landed": state.spool.landed, "dropped": state.spool.dropped},
    }
    return JSONResponse(report, 503 if routing is None else 200)


async def _metrics(state: GatewayState, request: Request) -> Response:
    spool, routing = state.spool, state.routing
    gauges: dict[str, tuple[str, float]] = {
        "lines_accepted_total": ("counter", spool.accepted),
        "lines_landed_total": ("counter", spool.landed),
        "lines_handed_over_total": ("counter", spool.handed_over),
        "lines_dropped_total": ("counter", spool.dropped),
        "lines_lost_total": ("counter", spool.lost),
        "lines_torn_total": ("counter", spool.torn),
        "lines_waiting": ("gauge", spool.waiting),
        "spool_bytes": ("gauge", await asyncio.to_thread(spool.bytes_waiting)),
        "routing_version": ("gauge", routing.value.version if routing.value else 0),
        "routing_damaged": ("gauge", float(routing.problem is not None)),
    }
    return PlainTextResponse(state.metrics.text(gauges))


@asynccontextmanager
async def _lifespan(state: GatewayState, app: Starlette) -> AsyncIterator[None]:
    state.spool.start()
    state.routing.look()
    watching = asyncio.create_task(state.routing.watch())
    try:
        yield
    finally:
        watching.cancel()
        await state.client.aclose()
        await asyncio.to_thread(state.spool.close)
