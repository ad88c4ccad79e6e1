"""What Dagster knows of each day of a run of several: its own checks, and its events as soon as it is published."""

import gzip
from datetime import date, timedelta

import dagster as dg
import pytest

from rl_assets_tests.support.night_logs import write_log
from rl_assets_tests.support.stand_in import make_dataset

DAYS = [str(date(2026, 10, 1) + timedelta(days=number)) for number in range(3)]
CHECK = dg.AssetCheckKey(dg.AssetKey("sft_dataset"), "at_least_100_rows")


def passed_by_day(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> dict[str | None, bool]:
    """The current state of a check by day; a day whose check is of an older event is missing."""
    infos = instance.event_log_storage.get_asset_check_partition_info([key])
    return {info.partition_key: info.latest_execution_status.value == "SUCCEEDED" for info in infos if info.is_current}


@pytest.mark.slow
def test_a_good_day_does_not_hide_a_bad_one(tmp_path, instance):
    for number, day in enumerate(DAYS):
        write_log(tmp_path, day, range(200 * number, 200 * number + 200) if number == 1 else range(2))
    assert make_dataset(tmp_path, DAYS[0], DAYS[2], instance).success
    # The window of the second and third day holds the 200 prompts of the second.
    expected = {DAYS[0]: False, DAYS[1]: True, DAYS[2]: True}
    assert passed_by_day(instance, CHECK) == expected
    assert make_dataset(tmp_path, DAYS[2], instance=instance).success
    assert passed_by_day(instance, CHECK) == expected


@pytest.mark.slow  # Builds days for seconds.
def test_days_before_one_that_fails_are_shown_as_published(tmp_path, instance):
    for number, day in enumerate(DAYS):
        write_log(tmp_path, day, range(10 * number, 10 * number + 10))
    broken = gzip.compress(b"{}\n" * 1_000)[:-20]
    (tmp_path / "landing" / "interaction_log" / DAYS[2] / "cut.jsonl.gz").write_bytes(broken)
    assert not make_dataset(tmp_path, DAYS[0], DAYS[2], instance).success
    assert instance.get_materialized_partitions(dg.AssetKey("interactions")) == set(DAYS[:2])
    key = dg.AssetCheckKey(dg.AssetKey("ingested_files"), "every_line_is_counted")
    assert {day: passed for day, passed in passed_by_day(instance, key).items() if day in DAYS[:2]} == dict.fromkeys(
        DAYS[:2], True
    )
