"""Seven nights of the real daemon, its clock set forward: logs arrive late, early and twice, and no line is lost.

It takes minutes, and crosses the end of a year. Every day's logs land at noon, and the night comes at once.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from rl_assets.lake.delta import Lake
from rl_assets.lake.table import Table
from rl_assets.tables.dataset_ledger import DATASETS, LEDGER, short_name
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support import datasets_location
from rl_assets_tests.support.nights import Nights, nights
from rl_assets_tests.support.simulated_clock import Clock
from rl_assets_tests.support.week_logs import ANSWERS, DAYS, REQUESTED, land

pytestmark = pytest.mark.slow
NOON, BEFORE_THE_NIGHT = timedelta(hours=12), timedelta(days=1, hours=1, minutes=59, seconds=55)
SENSOR = "new_log_files"
Runs = list[dg.DagsterRun]


def at(day: int, after: timedelta) -> datetime:
    return datetime.combine(DAYS[day], datetime.min.time(), UTC) + after


def runs_of(week: Nights) -> Runs:
    """All runs, the oldest first."""
    with week.instance() as instance:
        return list(reversed(instance.get_runs()))


def wait_for_runs(week: Nights, clock: Clock, nightly: int) -> None:
    """Wait until that many nights have started, the sensor has ticked twice since, and every run has ended."""
    week.wait_for(f"night {nightly}", lambda: len(week.runs("full_job")) >= nightly or None)
    started = clock.now().timestamp()
    week.wait_for("two ticks", lambda: sum(tick.timestamp > started for tick in week.ticks(SENSOR)) >= 2)
    week.wait_for("the end of the runs", lambda: all(run.is_finished for run in runs_of(week)))


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """The home and the instance after seven nights."""
    folder = tmp_path_factory.mktemp("week")
    clock = Clock(folder / "clock")
    clock.set(at(0, NOON))
    with nights(folder, environment=clock.environment, module=datasets_location.__name__) as found:
        found.dagster("sensor", "start", SENSOR)
        found.dagster("schedule", "start", "nightly_retrain")
        found.start()
        for day in range(len(DAYS)):
            clock.set(at(day, NOON))
            land(found.home / "landing", day)
            wait_for_runs(found, clock, nightly=day)
            clock.set(at(day, BEFORE_THE_NIGHT))
            wait_for_runs(found, clock, nightly=day + 1)
        yield found


def rows(week: Nights, table: Table) -> list[dict]:
    lake = Lake(str(week.home / "lake"))
    return lake.read(table, lake.days(table)).to_table().to_pylist()


def landed(week: Nights) -> dict[str, list[str]]:
    """The lines of every dated file by its name below the landing folder."""
    landing = week.home / "landing"
    paths = [path for day in DAYS for path in (landing.glob(f"*/{day}/*.jsonl"))]
    return {path.relative_to(landing).as_posix(): path.read_text(encoding="utf-8").splitlines() for path in paths}


def test_every_night_ran_for_the_day_that_ended_and_every_run_succeeded(week):
    runs = runs_of(week)
    nightly = [run.tags["dagster/partition"] for run in runs if run.job_name == "full_job"]
    assert nightly == [str(day) for day in DAYS]
    assert [run.run_id for run in runs if run.status is not dg.DagsterRunStatus.SUCCESS] == []


def test_exactly_the_days_whose_files_changed_were_requested(week):
    requested = Counter(run.tags["dagster/partition"] for run in runs_of(week) if run.job_name == "datasets_job")
    assert requested == {str(DAYS[day]): times for day, times in REQUESTED.items()}


def test_every_table_and_dataset_of_every_day_is_materialized(week):
    expected = {str(day) for day in DAYS}
    with week.instance() as instance:
        for asset in datasets_location.TABLES_AND_DATASETS:
            for key in asset.keys:
                assert instance.get_materialized_partitions(key) == expected, key


def test_every_line_that_landed_is_a_row_a_counted_duplicate_or_a_reject(week):
    files = {row["source_file"]: row for row in rows(week, INGESTED_FILES)}
    lines = landed(week)
    assert {name: row["lines"] for name, row in files.items()} == {name: len(found) for name, found in lines.items()}
    assert all(row["lines"] == row["rows"] + row["duplicates"] + row["rejects"] for row in files.values())
    answers = {row["interaction_id"] for row in rows(week, INTERACTIONS)}
    feedback = {row["feedback_id"] for row in rows(week, FEEDBACK)} | {
        row["interaction_id"] for row in rows(week, FEEDBACK)
    }
    rejected = {row["raw"] for row in rows(week, REJECTED_RECORDS)}
    for line in (line for found in lines.values() for line in found):
        kept = line in rejected or _id(line) in (feedback if _is_feedback(line) else answers)
        assert kept, line
    assert len(rejected) == 2


def _is_feedback(line: str) -> bool:
    return any(word in json.loads(line) for word in ("feedback_type", "reward"))


def _id(line: str) -> str:
    record = json.loads(line)
    return record.get("id") or record["interaction_id"]


def test_every_answer_is_in_a_dataset_or_the_ledger_says_why_not(week):
    ledger = {row["interaction_id"]: row for row in rows(week, LEDGER) if row["day"] == DAYS[-1]}
    assert set(ledger) == {row["interaction_id"] for row in rows(week, INTERACTIONS)}
    for row in ledger.values():
        for name in map(short_name, DATASETS):
            assert (row[f"{name}_rows"] > 0) == (row[f"{name}_reason"] is None), (name, row)
    taken = {name for name, row in ledger.items() if any(row[f"{short_name(each)}_rows"] for each in DATASETS)}
    assert {name[:-2] for name in taken} >= {"a0", "late0", "early2", "b1", "late3"}, "late and early lines train"


def test_what_was_exported_again_with_scores_has_a_reward(week):
    ledger = {row["interaction_id"]: row for row in rows(week, LEDGER) if row["day"] == DAYS[-1]}
    rewards = [ledger[f"a3-{number}"]["reward"] for number in range(ANSWERS)]
    assert None not in rewards


def test_no_check_of_a_day_fails_but_that_of_the_damaged_file(week):
    failed = set()
    with week.instance() as instance:
        for run in runs_of(week):
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
                check = entry.dagster_event.asset_check_evaluation_data
                if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR:
                    failed.add((check.check_name, check.partition))
    assert failed <= {("few_lines_are_rejected", str(DAYS[1]))}
