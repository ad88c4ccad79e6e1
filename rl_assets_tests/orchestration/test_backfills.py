"""Several days in one run: a poisoned day fails alone, and corrected files re-open exactly their days."""

import gzip
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.defs.shared.failed_runs import RANGE_END, RANGE_START, days_failed_together
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets_tests.support.night_logs import write_log
from rl_assets_tests.support.nights import nights
from rl_assets_tests.support.stand_in import defs, make_dataset

DAYS = [str(date(2026, 10, 1) + timedelta(days=ago)) for ago in range(4)]
BAD = DAYS[1]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def poisoned(tmp_path: Path) -> Path:
    """A home with four days of logs, of which one holds a file that cannot be read to its end."""
    write_days(tmp_path)
    write_cut_file(tmp_path)
    return tmp_path


def write_days(home: Path) -> None:
    for number, day in enumerate(DAYS):
        write_log(home, day, range(10 * number, 10 * number + 10))


def write_cut_file(home: Path) -> None:
    """A file of the bad day that ends in the middle."""
    cut = gzip.compress(b"{}\n" * 1_000)[:-20]
    (home / "landing" / "interaction_log" / BAD / "cut.jsonl.gz").write_bytes(cut)


# An argument in beta that tests of such a sensor need.
pytestmark = pytest.mark.filterwarnings("ignore:Parameter `repository_def`")


def content(home: Path) -> dict[str, str]:
    """The hash of each day's dataset, of those that there are."""
    manifests = {day: read_manifest(home / "datasets" / "sft_dataset" / day) for day in DAYS}
    return {day: manifest.sha256 for day, manifest in manifests.items() if manifest}


def requests(
    instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult, selection: set[str] | None = None
) -> list[dg.RunRequest | dg.SkipReason]:
    """What the sensor asks for after that failed run, or after one like it of the selected assets."""
    run = instance.get_run_by_id(result.run_id)
    if selection:
        run = run._replace(asset_selection=frozenset(map(dg.AssetKey, selection)))
    (failure,) = result.filter_events(lambda event: event.event_type is dg.DagsterEventType.RUN_FAILURE)
    context = dg.build_run_status_sensor_context(
        "days_failed_together", failure, instance, run, repository_def=defs.get_repository_def()
    )
    return list(days_failed_together(context.for_run_failure()))


@pytest.mark.slow
def test_a_poisoned_day_fails_alone(poisoned, instance, tmp_path_factory):
    together = make_dataset(poisoned, DAYS[0], DAYS[-1], instance)
    assert not together.success and content(poisoned) == {}

    asked = requests(instance, together)
    assert [request.partition_key for request in asked] == DAYS
    ended = {request.partition_key: make_dataset(poisoned, request.partition_key).success for request in asked}
    assert ended == {day: day != BAD for day in DAYS}

    clean = tmp_path_factory.mktemp("clean")
    write_days(clean)
    (clean / "landing" / "interaction_log" / BAD / "log-10.jsonl").unlink()
    assert make_dataset(clean, DAYS[0], DAYS[-1]).success
    good = set(DAYS) - {BAD}
    assert {day: content(poisoned)[day] for day in good} == {day: content(clean)[day] for day in good}


@pytest.mark.slow  # Builds days for seconds.
def test_a_failed_run_of_one_day_is_not_run_again(poisoned, instance):
    alone = make_dataset(poisoned, BAD, instance=instance)
    (skipped,) = requests(instance, alone)
    assert isinstance(skipped, dg.SkipReason)


@pytest.mark.slow  # Several seconds of CPU.
def test_each_day_of_a_failed_range_is_asked_for_under_a_key_of_its_own_and_in_its_backfill(poisoned, instance):
    together = make_dataset(poisoned, DAYS[0], DAYS[-1], instance, tags={"dagster/backfill": "history"})
    asked = requests(instance, together)
    assert len({request.run_key for request in asked}) == len(DAYS)
    assert {request.tags["dagster/backfill"] for request in asked} == {"history"}
    assert [request.run_key for request in requests(instance, together)] == [request.run_key for request in asked]
    (chosen, *_) = requests(instance, together, {"interactions", "sft_dataset"})
    assert chosen.asset_selection == [dg.AssetKey("interactions"), dg.AssetKey("sft_dataset")]
    (skipped,) = requests(instance, together, {"interactions", "image_index"})
    assert "image_index" in skipped.skip_message


@pytest.mark.slow
def test_the_daemon_runs_the_days_of_a_failed_range_again(tmp_path):
    with nights(tmp_path) as found:
        write_days(found.home)
        write_cut_file(found.home)
        found.dagster("sensor", "start", "days_failed_together")
        found.start()
        found.wait_for_ticks("days_failed_together", 1)
        tags = f'{{"{RANGE_START}": "{DAYS[0]}", "{RANGE_END}": "{DAYS[-1]}"}}'
        found.dagster("job", "launch", "-j", "datasets_job", "--tags", tags)
        runs = found.wait_until_idle("datasets_job", 5)
        found.wait_for_ticks("days_failed_together")
        ended = {run.tags.get("dagster/partition", "together"): run.is_success for run in runs}
        assert ended == {"together": False, **{day: day != BAD for day in DAYS}}
        assert len(found.runs("datasets_job")) == 5
        assert set(content(found.home)) == set(DAYS) - {BAD}


@pytest.mark.slow
def test_the_daemon_builds_a_history_that_it_sees_for_the_first_time_in_one_run(tmp_path):
    with nights(tmp_path) as found:
        write_days(found.home)
        found.dagster("sensor", "start", "new_log_files")
        found.start()
        (run,) = found.wait_until_idle("datasets_job", 1)
        found.wait_for_ticks("new_log_files")
        assert run.is_success and (run.tags[RANGE_START], run.tags[RANGE_END]) == (DAYS[0], DAYS[-1])
        assert set(content(found.home)) == set(DAYS)
        assert len(found.runs("datasets_job")) == 1
