"""The logger against the service as it is deployed, a process that is killed and started again, to rows of the lake."""

import sys
from datetime import date
from pathlib import Path

import pytest

from rl_assets.logger import Interaction, InteractionLogger
from rl_assets.service.landing import land
from rl_assets.service.state import open_service
from rl_assets.settings import Settings
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support.logs import Product
from rl_assets_tests.support.servers import free_port, serving


def numbered(first: int, count: int) -> list[Interaction]:
    return [
        Interaction(f"Question {n}?", "So.", interaction_id=f"i-{n}", timestamp="2026-10-01T10:00:00Z", latency_ms=5)
        for n in range(first, first + count)
    ]


@pytest.mark.server
@pytest.mark.slow
def test_answers_logged_before_during_and_after_a_kill_are_rows_once(home: Path, product: Product, tmp_path: Path):
    port = free_port()
    settings = Settings(home=home, _env_file=None)
    key = open_service(settings).store.add_key("product", ["log", "read"])
    command = [sys.executable, "-m", "rl_assets.service", "--port", str(port)]
    environment = {"RL_ASSETS_HOME": str(home), "RL_ASSETS_SERVICE_LAND_SECONDS": "3600", "PATH": "/usr/bin:/bin"}
    url = f"http://127.0.0.1:{port}"
    logger = InteractionLogger(url, key, tmp_path / "spool", batch_seconds=0.05, first_retry=0.05, max_retry=0.2)
    with serving(command, f"{url}/health", environment):
        for answer in numbered(0, 300):
            logger.log(answer)
        assert logger.flush(30)
        assert logger.get_stats()["service"]["waiting"] == 300
        assert logger.get_interactions() == []
    for answer in [*numbered(300, 300), *numbered(0, 10)]:
        logger.log(answer)
    assert not logger.flush(0.3)
    with serving(command, f"{url}/health", environment):
        assert logger.flush(30)
        odd = Interaction("Q?", "A.", interaction_id="odd", timestamp="2026-10-01T10:00:00Z", further={"propensity": 7})
        logger.log(odd)
        assert logger.flush(30)
    stats = logger.get_stats()
    logger.close()
    assert (stats["sent"], stats["rejected"], stats["dropped"]) == (610, 1, 0)
    service = open_service(settings)
    land(service.store, service.home, 0)
    (day,) = sorted((home / "landing" / "interaction_log").iterdir())
    assert sum(len(path.read_bytes().splitlines()) for path in day.glob("*.jsonl")) == 600
    ingested = product.ingest(date.fromisoformat(day.name))
    assert (ingested.rows, ingested.duplicates, ingested.rejects) == (600, 0, {})
    assert len({row["interaction_id"] for row in product.rows(INTERACTIONS)}) == 600
