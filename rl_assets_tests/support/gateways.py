"""A gateway of tests: the real application on a real port, in a thread, over a home of its own."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from rl_assets.core.home import Home
from rl_assets.serving.config import ServingFile
from rl_assets.serving.gateway.app import build_app
from rl_assets.serving.gateway.state import GatewayState
from rl_assets.serving.routing import Arm, Role, Routing, Shares, write_routing
from rl_assets.serving.spool import Spool
from rl_assets_tests.support.model_server import app_server

CHAMPION = "product--dpo-0f3a5c779e21"
CHAMPION_ARM, BASE_ARM = f"assistant@{CHAMPION}", "assistant@base"
QUESTION = [{"role": "user", "content": "Where is my order?"}]


def arm(url: str, role: Role = "champion", adapter: str | None = CHAMPION, **fields: Any) -> Arm:
    """An arm of one server; the base without an adapter."""
    values = {"agent": "assistant", "endpoint": "local", "urls": [url], "model": adapter or "base", "adapter": adapter}
    return Arm(**{**values, "role": role, **fields})


def routing(arms: dict[str, Arm], shares: Shares | None = None, version: int = 1) -> Routing:
    """All traffic to the champion unless shares are given."""
    shares = shares or {CHAMPION_ARM: 1.0}
    return Routing(
        version=version, salt="a salt of tests", written_at="2026-10-01", arms=arms, shares={"product": {"*": shares}}
    )


@dataclass
class Gateway:
    """A running gateway; `log` is what landed after it was stopped."""

    home: Home
    url: str
    state: GatewayState

    def route(self, routing: Routing) -> None:
        """Put a routing in force: the gateway has read it when this returns."""
        write_routing(self.home, routing)
        wait_for(lambda: self.state.routing.value == routing)

    def ask(self, **fields: Any) -> httpx2.Response:
        headers = fields.pop("headers", {})
        body = {"model": "auto", "messages": QUESTION, **fields}
        return httpx2.post(f"{self.url}/v1/chat/completions", json=body, headers=headers, timeout=60)

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(self.url + path, timeout=60)

    def lines(self, log_format: str = "interaction_log") -> list[dict[str, Any]]:
        """The lines that have been accepted, once the log's thread has written and landed them."""
        spool = self.state.spool
        wait_for(lambda: spool.landed + spool.dropped + spool.handed_over >= spool.accepted)
        return landed_lines(self.home, log_format)


def landed_lines(home: Home, log_format: str = "interaction_log") -> list[dict[str, Any]]:
    """The lines of a format in the landing folder."""
    files = sorted((home.folder / "landing" / log_format).glob("*/*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


@contextmanager
def gateway(home: Home, land_seconds: float = 0.0, token: str | None = None, **serving: Any) -> Iterator[Gateway]:
    """A gateway over the home; what it logs lands at once."""
    (home.folder / "landing").mkdir(parents=True, exist_ok=True)
    state = GatewayState(home, ServingFile(**serving), Spool(home, land_seconds), token)
    with app_server(build_app(state)) as url:
        yield Gateway(home, url, state)


def wait_for(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return when it holds; AssertionError if it never does."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.01)


def today() -> str:
    return str(datetime.now(UTC).date())
