"""The feedback service over REST, on a home with answers of two days, their rewards, and datasets to make of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from rl_assets.service.app import app_of
from rl_assets.service.state import Service, open_service
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import Product, Row, interaction, later

TRAINING = "/api/v1/training"
NOW = datetime(2026, 10, 3, 9, tzinfo=UTC)
LOCAL = ("127.0.0.1", 50_000)


def answer(number: int, copy: int, score: float | None, day: int = 0, **fields: Any) -> Row:
    """An answer to the question of a part; several copies are other answers to it."""
    return interaction(
        f"i-{day}-{number}-{copy}",
        timestamp=f"{later(day)}T10:{number % 60:02}:{copy:02}Z",
        query=f"What does the valve number {number * 7919} of block {number} cost today?",
        answer=f"The valve costs {number + copy} euros and ships within {copy + 2} days.",
        agent_type=("desk", "search")[copy % 2],
        latency_ms=100 + number,
        quality_scores={} if score is None else {"overall": score},
        **fields,
    )


def two_days() -> dict[int, list[Row]]:
    """Rows by day: groups of four, single good and bad answers, failed ones, one without a score, one of a brand."""
    groups = [answer(n, copy, (1.0, 0.7, 0.4, 0.1)[copy]) for n in range(12) for copy in range(4)]
    good = [answer(n, 0, 0.95, 1) for n in range(100, 112)]
    bad = [answer(n, 1, 0.2, 1) for n in range(200, 204)]
    failed = [answer(n, 0, 0.9, 1, error_occurred=True) for n in range(300, 303)]
    brand = [answer(n, 0, 1.0, 1, segment="acme") for n in range(400, 403)]
    return {0: groups, 1: [*good, *bad, *failed, answer(500, 0, None, 1), *brand]}


def rated_home(home: Path) -> Product:
    """The two days, landed and rated as of each."""
    product = Product.at(home)
    for day, rows in two_days().items():
        product.log(*rows, day=later(day))
        product.ingest(later(day))
        product.rated(later(day))
    return product


def service_at(home: Path, **settings: Any) -> Service:
    """The service of a home, whose clock stands on the day after."""
    return open_service(Settings(home=home, _env_file=None, **settings), lambda: NOW)


@contextmanager
def client_of(service: Service, key: str | None = None, client: tuple[str, int] = LOCAL) -> Iterator[TestClient]:
    """A program on this machine, with a key if there is one."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with TestClient(app_of(service), "http://127.0.0.1:8802", headers=headers, client=client) as opened:
        yield opened
