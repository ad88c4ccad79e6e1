"""The clock of the machine is days behind or ahead: nothing is lost, nothing runs twice. Real processes, time faked."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from rl_assets.defs.ingestion.new_log_files import new_log_files
from rl_assets_tests.support.night_logs import write_log
from rl_assets_tests.support.ticks import tick

# Debian's package libfaketime.
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
LOOK = """
import json, sys
from pathlib import Path
import dagster as dg
from rl_assets.defs.ingestion.new_log_files import new_log_files
from rl_assets_tests.support.ticks import tick

with dg.DagsterInstance.ephemeral() as instance:
    found = tick(new_log_files, Path(sys.argv[1]), instance)
print(json.dumps({"asked": {r.partition_key: r.run_key for r in found.run_requests or []}, "cursor": found.cursor}))
"""


@pytest.fixture(autouse=True)
def library() -> None:
    if not LIBRARIES:
        pytest.skip("no libfaketime here: apt-get install libfaketime")


def look(home: Path, clock_off_by: timedelta) -> dict[str, Any]:
    """What the sensor asks for in a process whose clock is wrong."""
    environment = {**os.environ, "LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME": f"{clock_off_by.total_seconds():+.0f}s"}
    command = [sys.executable, "-W", "ignore", "-c", LOOK, str(home)]
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(said.stdout.splitlines()[-1])


def asked(home: Path, instance: dg.DagsterInstance, cursor: str | None = None) -> dict[str | None, str | None]:
    """The days that the sensor asks for here, where the clock is right, with their run keys."""
    return {
        request.partition_key: request.run_key for request in tick(new_log_files, home, instance, cursor).run_requests
    }


@pytest.mark.slow
def test_a_clock_behind_asks_for_todays_files_when_it_is_set_right(tmp_path, instance):
    today = datetime.now(UTC).date()
    yesterday = str(today - timedelta(days=1))
    write_log(tmp_path, yesterday, range(1))
    write_log(tmp_path, str(today), range(1, 2))
    behind = look(tmp_path, timedelta(days=-1))
    assert set(behind["asked"]) == {yesterday}
    assert set(asked(tmp_path, instance, behind["cursor"])) == {str(today)}


@pytest.mark.slow
def test_a_clock_ahead_asks_under_the_same_run_keys(tmp_path, instance):
    today = str(datetime.now(UTC).date())
    write_log(tmp_path, today, range(1))
    ahead = look(tmp_path, timedelta(days=400))
    right = asked(tmp_path, instance)
    assert ahead["asked"] == right and set(right) == {today}
