"""Lines land whole and once, whatever happens to the process, the disk or the store."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rl_assets.core.home import Home
from rl_assets.core.object_store import list_folder
from rl_assets.serving.feedback_lines import Line
from rl_assets.serving.spool import Entry, Spool
from rl_assets.serving.spool_counts import SUFFIX
from rl_assets_tests.support.gateways import landed_lines, wait_for
from rl_assets_tests.support.s3 import bucket, s3_endpoint  # noqa: F401

FORMAT = "interaction_log"
# Accepts lines with growing ids as fast as it can, and prints each id once it is accepted.
WRITER = """
import sys
from pathlib import Path
from rl_assets.core.home import Home
from rl_assets.serving.feedback_lines import Line
from rl_assets.serving.spool import Entry, Spool
spool = Spool(Home(Path(sys.argv[1])), rotate_s=float(sys.argv[3]), max_lines=200)
spool.start()
number = 0
while True:
    line = Line("interaction_log", {"interaction_id": f"{sys.argv[2]}-{number}", "text": "x" * 500})
    spool.put(Entry(lambda line=line: line, 500))
    number += 1
    print(number, spool.dropped, flush=True)
"""


def entry(name: str, log_format: str = FORMAT) -> Entry:
    return Entry(lambda: Line(log_format, {"interaction_id": name}), 100)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "landing").mkdir()
    return Home(tmp_path)


def test_lines_land_at_the_end_and_before_that_once_they_are_old_enough(home):
    spool = Spool(home, rotate_s=0.2)
    spool.start()
    spool.put(entry("a1"))
    wait_for(lambda: spool.landed == 1)
    spool.put(entry("a2"))
    spool.put(entry("f1", "feedback_table"))
    spool.close()
    assert [line["interaction_id"] for line in landed_lines(home)] == ["a1", "a2"]
    assert [line["interaction_id"] for line in landed_lines(home, "feedback_table")] == ["f1"]
    first, _ = sorted((home.folder / "landing" / FORMAT / str(datetime.now(UTC).date())).iterdir())
    assert first.name.startswith("gateway-") and first.suffix == ".jsonl"
    assert spool.bytes_waiting() == 0


def test_a_full_queue_drops_the_newest_and_says_so(home):
    spool = Spool(home, max_lines=2)
    assert [spool.put(entry(f"a{number}")) for number in range(4)] == [True, True, False, False]
    spool.start()
    spool.close()
    assert (spool.accepted, spool.landed, spool.dropped) == (4, 2, 2)


def test_a_line_that_cannot_be_written_is_dropped_alone(home):
    spool = Spool(home)
    spool.put(Entry(lambda: Line(FORMAT, {"interaction_id": "a1", "score": float("nan")}), 1))
    spool.put(Entry(lambda: Line(FORMAT, {"interaction_id": "a2", "query": "half \ud83d"}), 1))
    spool.put(entry("a3"))
    spool.start()
    spool.close()
    assert [line["interaction_id"] for line in landed_lines(home)] == ["a3"]
    assert spool.dropped == 2


def test_a_torn_line_of_a_process_that_is_gone_is_cut_off_and_counted(home):
    folder = home.serving / "spool"
    folder.mkdir(parents=True)
    (folder / "gone.1.interaction_log.jsonl").write_bytes(b'{"interaction_id": "a1"}\n{"interaction_id": "a')
    (folder / "gone.2.feedback_table.jsonl").write_bytes(b'{"id": "f1"}\n{"id": "f2"}')
    (folder / "gone.3.reward_log.jsonl").write_bytes(b'{"rew')
    spool = Spool(home)
    spool.start()
    spool.close()
    assert [line["interaction_id"] for line in landed_lines(home)] == ["a1"]
    assert [line["id"] for line in landed_lines(home, "feedback_table")] == ["f1", "f2"]
    assert (spool.torn, spool.landed) == (2, 3)
    assert not [*folder.glob("gone*")]


def test_the_files_of_a_process_that_runs_are_left_alone(home):
    running, starting = Spool(home), Spool(home)
    running.start()
    running.put(entry("a1"))
    wait_for(lambda: [*running.folder.glob(f"{running.worker}.*.jsonl")] != [])
    starting.start()
    starting.close()
    assert not landed_lines(home) and starting.lost == 0
    running.close()
    assert len(landed_lines(home)) == 1


def test_lines_wait_while_the_landing_folder_cannot_be_written(home):
    (home.folder / "landing").rmdir()
    (home.folder / "landing").write_text("no folder", encoding="utf-8")
    spool = Spool(home, rotate_s=0.05)
    spool.start()
    spool.put(entry("a1"))
    wait_for(lambda: "cannot land" in (spool.problem or ""))
    (home.folder / "landing").unlink()
    (home.folder / "landing").mkdir()
    wait_for(lambda: spool.landed == 1)
    spool.close()
    assert len(landed_lines(home)) == 1 and spool.problem is None


@pytest.mark.slow
def test_kills_lose_no_line_unnoticed_and_land_none_torn_or_twice(home):
    accepted = dropped = lost = landed = 0
    for round_number in range(5):
        command = [sys.executable, "-c", WRITER, str(home.folder), f"r{round_number}", "0.05"]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.1 + 0.11 * round_number)
        os.kill(writer.pid, signal.SIGKILL)
        writer.stdout.read()
        writer.wait()
        [counts] = (home.serving / "spool").glob(f"*{SUFFIX}")
        values = counts.read_bytes()
        accepted += int.from_bytes(values[:8], "little")
        dropped += int.from_bytes(values[8:16], "little")
        successor = Spool(home)
        successor.start()
        successor.close()
        lost += successor.lost
    lines = [line["interaction_id"] for line in landed_lines(home)]
    landed = len(lines)
    assert landed > 100 and landed == len(set(lines))
    assert accepted == landed + dropped + lost


def test_an_object_store_gets_whole_files_and_keeps_what_it_confirmed(tmp_path, bucket):  # noqa: F811
    home = Home(tmp_path, landing_url=f"{bucket}/logs")
    spool = Spool(home)
    spool.start()
    spool.put(entry("a1"))
    spool.close()
    [listed] = list_folder(home.landing, recursive=True)
    assert listed.name.startswith(f"{FORMAT}/{datetime.now(UTC).date()}/gateway-")
    path = home.landing
    for part in listed.name.split("/"):
        path = path / part
    with path.open() as file:
        assert json.loads(file.read())["interaction_id"] == "a1"
    assert spool.bytes_waiting() == 0


def test_an_object_store_that_is_away_loses_nothing(tmp_path, monkeypatch):
    home = Home(tmp_path, landing_url="file:///proc/no/such/place")
    spool = Spool(home)
    spool.start()
    spool.put(entry("a1"))
    spool.close()
    assert spool.landed == 0 and spool.bytes_waiting() > 0
    (tmp_path / "landing").mkdir()
    later = Spool(Home(tmp_path))
    later.start()
    later.close()
    assert [line["interaction_id"] for line in landed_lines(Home(tmp_path))] == ["a1"]
