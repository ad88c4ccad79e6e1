"""Retention: days that no window needs leave the tables, their bytes with them; everything else stays."""

import shutil
import sys
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from rl_assets.governance.retention import expired_days, first_kept_day, main, reference_day, remove_expired
from rl_assets.lake.delta import Lake
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS
from rl_assets_tests.support import products
from rl_assets_tests.support.logs import Product, interaction, later, reward

pytestmark = pytest.mark.slow  # Builds days for seconds.

LAST = 9


@pytest.fixture(scope="module")
def ten_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with ten days of interactions and feedback; to be copied."""
    folder = tmp_path_factory.mktemp("ten-days")
    product = Product(folder / "landing", Lake(str(folder / "lake")))
    for day in map(later, range(LAST + 1)):
        product.log(interaction(f"i{day}"), day=day)
        product.log(reward(f"i{day}"), log_format="reward_log", day=day)
        product.ingest(day)
    return folder / "lake"


@pytest.fixture
def lake(ten_days: Path, home: Path) -> Lake:
    return Lake(str(shutil.copytree(ten_days, home / "lake")))


def parquet_files(lake: Lake, day: date) -> list[Path]:
    return sorted(Path(lake.url).glob(f"*/day={day}/*.parquet"))


def test_a_day_stays_while_a_window_that_may_be_built_needs_it():
    today = date(2026, 11, 21)
    assert first_kept_day(today, window_days=30, retention_days=30) == today - timedelta(days=60)
    assert first_kept_day(today, None, 30) is None and first_kept_day(today, 30, None) is None


def test_a_plan_names_the_days_and_changes_nothing(lake):
    days = expired_days(lake, later(3))
    assert days["interactions"] == days["feedback"] == [str(later(n)) for n in range(3)]
    assert lake.days(INTERACTIONS) == [later(n) for n in range(LAST + 1)]
    assert expired_days(lake, None) == {}


def test_old_days_leave_and_their_bytes_are_gone_when_nobody_can_be_reading_them(lake):
    remove_expired(lake, expired_days(lake, later(3)))
    assert lake.days(INTERACTIONS) == lake.days(FEEDBACK) == [later(n) for n in range(3, LAST + 1)]
    assert parquet_files(lake, later(2)), "within a day of grace"

    removed = remove_expired(lake, {}, grace_hours=0)

    assert removed.files and [path.parts[-3] for path in parquet_files(lake, later(2))] == ["ingested_files"]
    assert len(parquet_files(lake, later(3))) >= 3


def test_accounts_of_what_landed_stay(lake):
    remove_expired(lake, expired_days(lake, later(3)))
    assert lake.days(INGESTED_FILES) == [later(n) for n in range(LAST + 1)]


def test_what_a_killed_writer_left_is_deleted_after_the_grace(lake):
    left = Path(lake.url) / "interactions" / f"day={later(5)}" / "part-of-a-killed-writer.parquet"
    pa.parquet.write_table(pa.table({"answer": ["half"]}), left)
    remove_expired(lake, {})
    assert left.exists()
    remove_expired(lake, {}, grace_hours=0)
    assert not left.exists()
    assert lake.read(INTERACTIONS, [later(5)]).count_rows() == 1


def run(home: Path, **config: object) -> dg.ExecuteInProcessResult:
    job = products.definitions(home).resolve_job_def("retention")
    return job.execute_in_process(run_config={"ops": {"remove_expired_days": {"config": config}}})


def test_started_by_hand_the_job_only_shows_what_would_go_and_told_so_it_goes(lake, home, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_WINDOW_DAYS", "1")
    monkeypatch.setenv("RL_ASSETS_RETENTION_DAYS", "0")
    assert run(home).success and len(lake.days(INTERACTIONS)) == LAST + 1
    assert run(home, dry_run=False).success and lake.days(INTERACTIONS) == [later(LAST - 1), later(LAST)]


def test_a_clock_that_runs_ahead_and_a_log_that_has_stopped_remove_nothing_of_the_last_window(lake):
    ahead, behind = later(LAST + 400), later(2)
    assert reference_day(lake, ahead) == later(LAST) and reference_day(lake, behind) == behind
    assert expired_days(lake, first_kept_day(reference_day(lake, ahead), window_days=30, retention_days=30)) == {}


def test_the_command_shows_and_removes_when_told(lake, home, monkeypatch, capsys):
    for name, value in (("HOME", str(home)), ("WINDOW_DAYS", "1"), ("RETENTION_DAYS", "0")):
        monkeypatch.setenv(f"RL_ASSETS_{name}", value)
    monkeypatch.setattr(sys, "argv", ["retention"])
    main()
    assert f"interactions: {LAST - 1} days" in capsys.readouterr().out and len(lake.days(INTERACTIONS)) == LAST + 1
    monkeypatch.setattr(sys, "argv", ["retention", "--remove"])
    main()
    assert "rows removed" in capsys.readouterr().out and lake.days(INTERACTIONS) == [later(LAST - 1), later(LAST)]


def test_the_schedule_removes(home):
    schedule = products.definitions(home).resolve_schedule_def("retention")
    with dg.instance_for_test() as instance:
        tick = schedule.evaluate_tick(dg.build_schedule_context(instance))
    assert tick.run_requests[0].run_config["ops"]["remove_expired_days"]["config"]["dry_run"] is False
