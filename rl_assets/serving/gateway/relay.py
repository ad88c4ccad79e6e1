"""One call, from the drawn arm to the last byte: asks arms in order until one begins to answer, then passes it on.

Nothing is sent to the caller before the first byte of an answer, so that another arm can still give it; after that byte
there is no other arm. Each call is logged once, before its last byte is sent.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx2
from starlette.types import Send

from rl_assets.serving.gateway.arms import in_order
from rl_assets.serving.gateway.bodies import ChatRequest
from rl_assets.serving.gateway.errors import CallError
from rl_assets.serving.gateway.events import EventSplitter, data_of, is_done, is_usage_only
from rl_assets.serving.gateway.state import GatewayState
from rl_assets.serving.gateway.upstream import AttemptError, Opened, open_answer
from rl_assets.serving.lines import CLIENT_GONE, Call, interaction_line
from rl_assets.serving.probe_signature import HEADER, is_probe
from rl_assets.serving.routing import Routing
from rl_assets.serving.spool import Entry

RATE_LIMITED, TIMEOUT = "status_429", "timeout"
FULL = 0.9


@dataclass
class Relay:
    """A call under way. `run` returns after the last byte; cancelling it closes the connection to the server."""

    state: GatewayState
    request: ChatRequest
    routing: Routing
    call: Call
    send: Send
    started: float = field(default_factory=time.monotonic)
    _logged: bool = False

    async def run(self) -> None:
        """Answer the call."""
        try:
            opened, replica = await self._open()
            try:
                await self._pass_on(opened)
            finally:
                self.state.health.under_way[replica] -= 1
                await opened.response.aclose()
        except CallError as error:
            self.log(error.message)
            await self._send_whole(error.status, {"content-type": "application/json"}, error.body())
        except asyncio.CancelledError:
            self.log(CLIENT_GONE)
            raise

    def log(self, error: str | None = None) -> None:
        """Log the call, unless that was done, or a rollout made it to see what is served."""
        if self._logged:
            return
        self._logged = True
        call, metrics = self.call, self.state.metrics
        if is_probe(self.routing, self.request.headers.get(HEADER)):
            metrics.add("probes_total")
            return
        call.error, call.latency_ms, call.ended_at = error, self._elapsed_ms(), datetime.now(UTC)
        metrics.add("calls_total", arm=call.choice.arm)
        if error == CLIENT_GONE:
            metrics.add("client_gone_total", arm=call.choice.arm)
        elif error is not None:
            metrics.add("errors_total", arm=call.choice.arm)
        if call.served is not None:
            metrics.add("latency_seconds_sum", call.latency_ms / 1000, arm=call.served)
            metrics.add("latency_seconds_count", arm=call.served)
        self.state.spool.put(Entry(lambda: interaction_line(call), self.request.size + call.size))

    async def _open(self) -> tuple[Opened, tuple[str, str]]:
        """The first answer that begins, and the replica that gives it. Raises CallError if none does."""
        caller, choice = self.call.caller, self.call.choice
        failures = list[tuple[str, AttemptError]]()
        for name in in_order(self.routing, choice.arm, caller.segment, caller.category):
            arm, asked = self.routing.arms[name], False
            self.call.served, self.call.arm = name, arm
            for url in self.state.health.replicas(name, arm):
                if asked and self._left_s() <= 0:
                    break
                asked = True
                try:
                    return await self._attempt(name, url), (name, url)
                except AttemptError as error:
                    failures.append((name, error))
            if not asked:
                failures.append((name, AttemptError("circuit_open")))
            # What made the call leave the assigned arm; what follows is on other arms.
            self.call.fallback_reason = self.call.fallback_reason or failures[-1][1].reason
            self.state.metrics.add("fallbacks_total", arm=name, reason=failures[-1][1].reason)
            if self._left_s() <= 0:
                break
        self.call.served = self.call.arm = None
        raise _no_answer(failures)

    async def _attempt(self, name: str, url: str) -> Opened:
        arm, health, serving = self.routing.arms[name], self.state.health, self.state.serving
        # A completion that is not streamed has its first byte when it is complete.
        patience = serving.first_byte_s if self.request.streams else serving.deadline_s
        time_left = max(self._left_s(), 0)
        health.under_way[name, url] += 1
        opened = None
        try:
            body = self.request.body_for(arm.model)
            opened = await open_answer(self.state.client, url, arm, body, min(patience, time_left))
        except AttemptError as error:
            # Of little time that others have left, a replica is not to blame.
            if error.reason != TIMEOUT or time_left >= patience * FULL:
                health.failed(name, url)
            raise
        finally:
            if opened is None:
                health.under_way[name, url] -= 1
        health.succeeded(name, url)
        return opened

    async def _pass_on(self, opened: Opened) -> None:
        if opened.is_stream and opened.status == 200:
            await self._pass_stream(opened)
        else:
            await self._pass_whole(opened)

    async def _pass_whole(self, opened: Opened) -> None:
        """An answer in one piece: it is complete before the caller gets its first byte."""
        pieces = [opened.first]
        try:
            async for piece in self._pieces(opened):
                pieces.append(piece)
        except (httpx2.HTTPError, TimeoutError):
            raise CallError(502, "The answer ended before it was complete.", "upstream_error", code="cut_off") from None
        body = b"".join(pieces)
        self.call.whole = body
        self.log(None if opened.status < 400 else f"status_{opened.status}")
        await self._send_whole(opened.status, dict(opened.headers), body)

    async def _pass_stream(self, opened: Opened) -> None:
        """Events as they come; the usage is left out unless the caller asked for it."""
        await self._start(opened.status, dict(opened.headers))
        splitter, last = EventSplitter(), b""
        try:
            await self._pass_events(splitter.feed(opened.first))
            async for piece in self._pieces(opened):
                await self._pass_events(splitter.feed(piece))
            last = splitter.rest
            self.log()
        except (httpx2.HTTPError, TimeoutError):
            error = CallError(502, "The stream ended before it was complete.", "upstream_error", code="cut_off")
            self.log(error.message)
            last = error.event()
        await self.send({"type": "http.response.body", "body": last, "more_body": False})

    async def _pass_events(self, events: list[bytes]) -> None:
        shown = list[bytes]()
        for event in events:
            if is_done(event):
                self.call.is_done = True
                self.log()
            else:
                self.call.chunks.append((self._elapsed_ms(), data_of(event)))
            if self.request.wants_usage or not is_usage_only(event):
                shown.append(event)
        if shown:
            await self.send({"type": "http.response.body", "body": b"".join(shown), "more_body": True})

    async def _pieces(self, opened: Opened) -> AsyncIterator[bytes]:
        """What follows the first byte. Raises TimeoutError if the server falls silent for the deadline's time."""
        while True:
            async with asyncio.timeout(self.state.serving.deadline_s):
                piece = await anext(opened.rest, None)
            if piece is None:
                return
            yield piece

    async def _send_whole(self, status: int, headers: dict[str, str], body: bytes) -> None:
        await self._start(status, {**headers, "content-length": str(len(body))})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    async def _start(self, status: int, headers: dict[str, str]) -> None:
        call = self.call
        own = {
            "x-interaction-id": call.interaction_id,
            "x-arm": call.served or call.choice.arm,
            "x-adapter": (call.arm.adapter if call.arm else None) or "",
        }
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in (headers | own).items()]
        await self.send({"type": "http.response.start", "status": status, "headers": raw})

    def _elapsed_ms(self) -> float:
        return (time.monotonic() - self.started) * 1000

    def _left_s(self) -> float:
        return self.state.serving.deadline_s - (time.monotonic() - self.started)


def _no_answer(failures: list[tuple[str, AttemptError]]) -> CallError:
    """What the caller is told when no arm answered: their names and reasons, never an address."""
    reasons = "; ".join(f"{name}: {error.reason}" for name, error in failures)
    limited = all(error.reason == RATE_LIMITED for _, error in failures)
    late = all(error.reason == TIMEOUT for _, error in failures)
    status = 429 if limited else 504 if late else 502
    return CallError(status, f"No arm answered ({reasons}).", "upstream_error", code="no_arm_answered")
