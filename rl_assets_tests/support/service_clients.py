"""A feedback service in the test's process, with a clock that only the test moves, and clients of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from rl_assets.service.acts import Act
from rl_assets.service.state import Service, open_service
from rl_assets.settings import Settings
from rl_assets_tests.support.act_server import with_acts

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
ADDRESS = "http://127.0.0.1:8802"


@dataclass
class StoppedClock:
    """A clock to give to a service; `advance` moves it."""

    now: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def service_at(home: Path, clock: StoppedClock | None = None, **settings: Any) -> Service:
    return open_service(Settings(home=home, **settings), clock or StoppedClock())


def client_of(service: Service, url: str = ADDRESS, address: str = "127.0.0.1") -> TestClient:
    """A client at an address, of the service as it is reached by the URL."""
    return TestClient(
        with_acts(service),
        base_url=url,
        client=(address, 50_000),
        raise_server_exceptions=False,
        follow_redirects=False,
    )


def act(act_id: str = "act-1", kind: str = "thumbs", **fields: Any) -> Act:
    """Thumbs up by mary on one answer, unless fields say otherwise."""
    return Act(**(act_fields(act_id, kind) | fields))


def act_fields(act_id: str = "act-1", kind: str = "thumbs") -> dict[str, Any]:
    return {
        "act_id": act_id,
        "kind": kind,
        "value": 1 if kind == "thumbs" else None,
        "interaction_id": "answer-1",
        "rater": "mary",
        "created_at": NOW.isoformat(),
    }
