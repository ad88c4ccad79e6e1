"""Workers and landers killed at any point: what was acknowledged lands, once."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rl_assets.tables.records import FEEDBACK, INGESTED_FILES
from rl_assets_tests.support.killed_service import send_while_killing
from rl_assets_tests.support.logs import Product
from rl_assets_tests.support.postgres import postgres_server  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.server]


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_what_was_acknowledged_is_feedback_once_whatever_is_killed(database: str, tmp_path: Path, request):
    url = None if database == "sqlite" else request.getfixturevalue("postgres_server").url
    before = datetime.now(UTC).date()
    outcome = send_while_killing(tmp_path, url, acts=200, kills=4, seed=20261129)
    assert outcome.killed_workers and outcome.killed_landers
    product = Product.at(tmp_path)
    for day in sorted({before, datetime.now(UTC).date()}):
        product.ingest(day)
    rows = Counter(row["feedback_id"] for row in product.rows(FEEDBACK))
    assert rows == Counter(outcome.acknowledged)
    files = product.rows(INGESTED_FILES)
    assert sum(row["lines"] for row in files) == len(outcome.acknowledged)
    assert sum(row["rejects"] + row["duplicates"] for row in files) == 0
