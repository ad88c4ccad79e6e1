"""What the suite as a whole needs: order and time, which tests share a worker, what Dagster's storage does once."""

import hashlib
import os
import time
from typing import Any

import dagster as dg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from xdist.scheduler import LoadFileScheduling

# Folders whose files share something that takes long to build.
TOGETHER = ("rl_assets_tests/governance/",)
# Files of which a test takes minutes: they start first, so that the other workers are not long done when they end.
FIRST = (
    "rl_assets_tests/orchestration/test_simulated_week.py",
    "rl_assets_tests/defs/test_orders_of_days.py",
    "rl_assets_tests/orchestration/test_exactly_once.py",
    "rl_assets_tests/defs/test_whole_night.py",
)

# Seconds since the epoch after which no further test starts; whoever sets it has only so much time.
END = float(os.environ.get("TESTS_END_AT") or "inf")
# With an end, files come in an order that it makes, so that other tests are left out the next time.
SEED = os.environ.get("TESTS_SEED", "")
# What must be left of the time for a file that takes minutes: a quarter of an hour on slow machines.
MINUTES = 15 * 60


def position(nodeid: str) -> tuple[bool, str]:
    """What tests are sorted by: those that take minutes come first, the others as they are or as the seed says."""
    file = nodeid.split("::", maxsplit=1)[0]
    return not nodeid.startswith(FIRST), hashlib.sha256(f"{SEED} {file}".encode()).hexdigest() if SEED else ""


def skip_after_end(nodeid: str) -> None:
    """Skip the test that would start now, if the time is over."""
    if time.time() > END - (MINUTES if nodeid.startswith(FIRST) else 0):
        pytest.skip("the time that this run had was over (TESTS_END_AT)")


class Together(LoadFileScheduling):
    """Tests of a file run in one worker, and so do those of a folder of TOGETHER."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), super()._split_scope(nodeid))


def read_migrations_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Dagster instance looks up its version in all migrations, which never change while tests run."""
    read, known = ScriptDirectory.from_config, dict[str | None, ScriptDirectory]()

    def from_config(config: Config) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in known:
            known[place] = read(config)
        return known[place]

    monkeypatch.setattr(ScriptDirectory, "from_config", from_config)


def copy_history(source: dg.DagsterInstance, target: dg.DagsterInstance) -> None:
    """Copy runs and events between instances in memory: to see the same run again would take seconds."""
    for storage in ("run_storage", "event_log_storage"):
        _database(source, storage).backup(_database(target, storage))


def _database(instance: dg.DagsterInstance, storage: str) -> Any:
    """The SQLite database of a storage in memory, which the one connection that it holds keeps alive."""
    return getattr(instance, storage)._held_conn.connection.dbapi_connection
