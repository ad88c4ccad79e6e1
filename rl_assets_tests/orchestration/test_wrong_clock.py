"""The clock of the machine is days behind or ahead: nothing is lost, nothing runs twice. Real processes, time faked."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rl_assets_tests.support.night_logs import write_log

# Debian's package libfaketime.
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
LOOK = """
import json, sys
from pathlib import Path
import dagster as dg
from rl_assets.defs.ingestion.new_log_files import new_log_files
from rl_assets_tests.support.ticks import tick

with dg.instance_for_test() as instance:
    found = tick(new_log_files, Path(sys.argv[1]), instance, sys.argv[2] or None)
print(json.dumps({"asked": {r.partition_key: r.run_key for r in found.run_requests or []}, "cursor": found.cursor}))
"""


@pytest.fixture(autouse=True)
def library() -> None:
    if not LIBRARIES:
        pytest.skip("no libfaketime here: apt-get install libfaketime")


def look(home: Path, clock_off_by: timedelta, cursor: str = "") -> dict[str, Any]:
    """What the sensor asks for in a process whose clock is wrong."""
    environment = {**os.environ, "LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME": f"{clock_off_by.total_seconds():+.0f}s"}
    command = [sys.executable, "-W", "ignore", "-c", LOOK, str(home), cursor]
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(said.stdout.splitlines()[-1])


def test_a_clock_behind_asks_for_todays_files_when_it_is_set_right(tmp_path):
    today = datetime.now(UTC).date()
    yesterday = str(today - timedelta(days=1))
    write_log(tmp_path, yesterday, range(1))
    write_log(tmp_path, str(today), range(1, 2))
    behind = look(tmp_path, timedelta(days=-1))
    assert set(behind["asked"]) == {yesterday}
    right = look(tmp_path, timedelta(0), behind["cursor"])
    assert set(right["asked"]) == {str(today)}


def test_a_clock_ahead_asks_under_the_same_run_keys(tmp_path):
    today = str(datetime.now(UTC).date())
    write_log(tmp_path, today, range(1))
    ahead = look(tmp_path, timedelta(days=400))
    right = look(tmp_path, timedelta(0))
    assert ahead["asked"] == right["asked"] and set(right["asked"]) == {today}
