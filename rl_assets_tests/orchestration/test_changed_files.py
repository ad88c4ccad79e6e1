"""Corrected, appended and unreadable files: exactly the days they belong to are opened again."""

import json
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from rl_assets.defs.ingestion.new_log_files import MAX_RUNS, new_log_files
from rl_assets.defs.shared.failed_runs import RANGE_END, RANGE_START
from rl_assets_tests.support.night_logs import write_log
from rl_assets_tests.support.stand_in import make_dataset
from rl_assets_tests.support.ticks import tick
from rl_assets_tests.support.unprivileged import run_unprivileged

DAYS = [str(date(2026, 10, 1) + timedelta(days=number)) for number in range(31)]
LAND = """
import sys
from datetime import date
from pathlib import Path
from typing import Any
from rl_assets.ingest import append_only_logs

append_only_logs.CHUNK_BYTES = 4096
append_only_logs.land_new_lines(Path(sys.argv[1]), date(2026, 10, 20))
"""
LOOK = """
import os, sys
from pathlib import Path
from typing import Any
from rl_assets.ingest.landing import day_fingerprints

os.chmod(sys.argv[2], 0)
day_fingerprints(Path(sys.argv[1]))
"""


def asked(result: Any) -> list[str]:
    return [request.partition_key for request in result.run_requests or []]


def look(home: Path, instance: dg.DagsterInstance, cursor: str | None = None):
    return tick(new_log_files, home, instance, cursor)


def test_corrected_files_in_old_days_open_exactly_those_again_and_days_without_files_none(tmp_path, instance):
    for number, day in enumerate(DAYS[:10]):
        write_log(tmp_path, day, range(number, number + 1))
    cursor = look(tmp_path, instance).cursor
    added, same_size, gone = DAYS[1], DAYS[4], DAYS[8]
    write_log(tmp_path, added, range(50, 51), "late.jsonl")
    log = tmp_path / "landing" / "interaction_log" / same_size / "log-4.jsonl"
    log.write_text(log.read_text(encoding="utf-8").replace("costs 4", "costs 9"), encoding="utf-8")
    (tmp_path / "landing" / "interaction_log" / gone / "log-8.jsonl").unlink()
    (tmp_path / "landing" / "interaction_log" / DAYS[5] / "notes.txt").write_text("not a log", encoding="utf-8")
    assert asked(look(tmp_path, instance, cursor)) == [added, same_size]


def test_many_single_days_are_requested_in_several_ticks_and_none_twice(tmp_path, instance):
    every_other = [str(date(2026, 10, 1) + timedelta(days=number)) for number in range(0, 58, 2)]
    for number, day in enumerate(every_other):
        write_log(tmp_path, day, range(number, number + 1))
    requested, cursor = [], None
    for _ in range(3):
        result = look(tmp_path, instance, cursor)
        cursor = result.cursor
        requested.append(asked(result))
    assert requested == [every_other[:MAX_RUNS], every_other[MAX_RUNS:], []]


def test_a_first_look_over_many_days_becomes_a_few_runs_of_ranges(tmp_path, instance):
    for number, day in enumerate([*DAYS[:10], *DAYS[12:20], DAYS[25]]):
        write_log(tmp_path, day, range(number, number + 1))
    result = look(tmp_path, instance)
    ranges = [(request.tags.get(RANGE_START), request.tags.get(RANGE_END)) for request in result.run_requests[:2]]
    assert ranges == [(DAYS[0], DAYS[9]), (DAYS[12], DAYS[19])]
    assert asked(result) == [None, None, DAYS[25]]
    assert look(tmp_path, instance, result.cursor).run_requests == []
    keys = [request.run_key for request in look(tmp_path, instance).run_requests]
    assert keys == [request.run_key for request in result.run_requests], "a lost cursor requests nothing twice"


@pytest.mark.slow
def test_a_sensor_switched_on_after_a_history_was_built_requests_what_changed_since(tmp_path, instance):
    for number, day in enumerate(DAYS[:4]):
        write_log(tmp_path, day, range(number, number + 1))
    assert make_dataset(tmp_path, DAYS[0], DAYS[3]).success
    for file in (tmp_path / "landing").rglob("*.jsonl"):
        file.touch()  # as a copy or a restore does
    first = look(tmp_path, instance)
    assert asked(first) == [] and "no log day has changed" in first.skip_message

    corrected = tmp_path / "landing" / "interaction_log" / DAYS[1] / "log-1.jsonl"
    corrected.write_text(corrected.read_text(encoding="utf-8").replace("costs 1", "costs 3"), encoding="utf-8")
    write_log(tmp_path, DAYS[2], range(50, 51), "late.jsonl")
    write_log(tmp_path, DAYS[4], range(60, 61))
    changed = [DAYS[1], DAYS[2], DAYS[4]]
    assert asked(look(tmp_path, instance)) == changed
    assert asked(look(tmp_path, instance, first.cursor)) == changed


def test_files_of_tomorrow_are_asked_for_when_tomorrow_has_come(tmp_path, instance):
    early = str(datetime.now(UTC).date() + timedelta(days=2))
    write_log(tmp_path, early, range(1))
    result = look(tmp_path, instance)
    assert asked(result) == [] and "1 lie outside the partitions" in result.skip_message
    assert early not in json.loads(result.cursor), "it would not be found changed when its day has come"


def test_a_folder_that_cannot_be_read_opens_no_day_and_is_named(tmp_path):
    write_log(tmp_path, DAYS[0], range(1))
    hidden = write_log(tmp_path, DAYS[1], range(1)).parent
    looked = run_unprivileged(LOOK, str(tmp_path / "landing"), str(hidden))
    hidden.chmod(0o755)
    assert looked.returncode == 1
    assert f"PermissionError: [Errno 13] Permission denied: '{hidden}'" in looked.stderr


@pytest.mark.slow
def test_an_append_only_log_is_landed_once_however_often_its_landing_is_killed(tmp_path):
    log = tmp_path / "landing" / "reward_log" / "service.jsonl"
    log.parent.mkdir(parents=True)
    lines = [json.dumps({"interaction_id": f"a{number}", "text": "x" * 40}) + "\n" for number in range(20_000)]
    log.write_text("".join(lines) + '{"torn": ', encoding="utf-8")
    segments = log.parent / "2026-10-20"
    killed = 0
    while killed < 4:
        process = subprocess.Popen([sys.executable, "-c", LAND, str(tmp_path / "landing")])
        before = len(list(segments.glob("*.jsonl"))) if segments.is_dir() else 0
        while process.poll() is None and len(list(segments.glob("*.jsonl"))) < before + 20:
            time.sleep(0.001)
        assert process.poll() is None, "the log was too short to be killed in the middle of"
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
    subprocess.run([sys.executable, "-c", LAND, str(tmp_path / "landing")], check=True)
    landed = [line for path in segments.glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines(True)]
    assert sorted(landed) == sorted(lines)
    shutil.rmtree(segments)
    subprocess.run([sys.executable, "-c", LAND, str(tmp_path / "landing")], check=True)
    assert not segments.exists(), "only new bytes are read"
