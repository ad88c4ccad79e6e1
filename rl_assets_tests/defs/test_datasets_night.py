"""The CPU half of the night through Dagster: days, ranges, failures and what readers see of them."""

import random
import shutil
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.shared import presentation
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.quickstart.install import install
from rl_assets.settings import Settings
from rl_assets.tables.dataset_ledger import DATASETS
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets.tables.records import INTERACTIONS

pytestmark = pytest.mark.slow

FIRST = date(2026, 10, 1)
DAYS = [str(FIRST + timedelta(days=i)) for i in range(5)]


def night(home: Path, first: str, last: str | None = None, select: str | None = None) -> dg.ExecuteInProcessResult:
    """Run `datasets_job` for a day, or for a range of days in one run."""
    defs = build_defs(
        resources={"home": HomeResource.from_settings(Settings(home=home))}, executor=dg.in_process_executor
    )
    chosen = [dg.AssetKey(select)] if select else None
    job = defs.resolve_job_def("datasets_job")
    if last is None:
        return job.execute_in_process(partition_key=first, raise_on_error=False, asset_selection=chosen)
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    return job.execute_in_process(tags=tags, raise_on_error=False, asset_selection=chosen)


def hashes(home: Path, days: list[str]) -> dict[tuple[str, str], str]:
    return {(name, day): read_manifest(home / "datasets" / name / day).sha256 for name in DATASETS for day in days}


def checks(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    found = result.get_asset_check_evaluations()
    return {(check.asset_key.to_user_string(), check.check_name): check for check in found}


@pytest.fixture(scope="module")
def ranged(tmp_path_factory) -> Path:
    """A home in which the quickstart's first days were materialized as one range."""
    home = tmp_path_factory.mktemp("ranged")
    install(home)
    assert night(home, DAYS[0], DAYS[-1]).success
    return home


@pytest.mark.parametrize("name", DATASETS)
def test_the_columns_described_in_the_ui_are_those_of_the_files(ranged, name):
    columns = pq.read_schema(ranged / "datasets" / name / DAYS[-1] / "train.parquet").names
    assert tuple(columns) == presentation.DATASETS[name]


def test_days_one_by_one_give_the_datasets_of_one_range(ranged, tmp_path):
    install(tmp_path)
    for day in DAYS:
        assert night(tmp_path, day).success
    assert hashes(tmp_path, DAYS) == hashes(ranged, DAYS)


def test_renamed_files_in_another_order_give_the_same_datasets(ranged, tmp_path):
    install(tmp_path)
    shuffled = random.Random(0)
    for file in sorted((tmp_path / "landing").rglob("*.jsonl*")):
        file.rename(file.with_name(f"{shuffled.random()}-{file.name}"))
    assert night(tmp_path, DAYS[0], DAYS[-1]).success
    assert hashes(tmp_path, DAYS) == hashes(ranged, DAYS)


def test_every_check_of_the_quickstart_passes_but_those_of_its_mediocre_agents_and_damaged_lines(ranged):
    result = night(ranged, DAYS[-1])
    assert result.success
    failed = {name for name, check in checks(result).items() if not check.passed}
    assert failed == {
        ("feedback", "ratings_fit_their_scale"),
        ("interaction_stats", "most_rated_answers_are_good"),
        ("rejected_records", "few_lines_are_rejected"),
    }
    assert len(checks(result)) > 20


def test_a_broken_row_leaves_the_published_day_and_is_shown_by_the_check(ranged, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(ranged, home)
    before = hashes(home, DAYS[-1:])
    slip_in_a_broken_row(home, date.fromisoformat(DAYS[-1]))
    assert night(home, DAYS[-1], select="rated_interactions").success

    result = night(home, DAYS[-1], select="sft_dataset")

    assert not result.success
    failed = checks(result)["sft_dataset", "messages_alternate_and_end_with_assistant"]
    assert not failed.passed and failed.blocking
    assert "robot" in failed.metadata["bad_rows"].value
    assert hashes(home, DAYS[-1:]) == before


def slip_in_a_broken_row(home: Path, day: date) -> None:
    """Make one answer's prompt that of a robot, behind the back of ingestion, which would have seen it."""
    lake = HomeResource.from_settings(Settings(home=home)).lake
    rows = lake.read(INTERACTIONS, [day]).to_table().to_pylist()
    robot = next(row for row in rows if row["segment"] == "parts-manual" and row["answer"])
    robot["prompt"][-1]["role"] = "robot"
    robot["prompt_key"] = "f" * 64
    robot["quality_scores"] = None
    batches = pa.Table.from_pylist(rows, schema=INTERACTIONS.schema).to_reader()
    lake.publish(INTERACTIONS, day, batches)


def test_a_missing_landing_folder_is_a_clear_failure(tmp_path):
    result = night(tmp_path, DAYS[0])
    assert not result.success
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert "there is no landing folder" in str(failure.step_failure_data.error.cause or failure.step_failure_data.error)


def test_a_day_without_files_is_published_as_empty(tmp_path):
    (tmp_path / "landing").mkdir()
    result = night(tmp_path, DAYS[0])
    assert result.success
    assert read_manifest(tmp_path / "datasets" / "sft_dataset" / DAYS[0]).rows == {
        "train": 0,
        "validation": 0,
        "test": 0,
    }
    assert not checks(result)["sft_dataset", "at_least_100_rows"].passed


def test_a_secret_key_does_not_show_in_the_resources_configuration():
    home = HomeResource.from_settings(Settings(user_hash_key="a secret of the product"))
    assert "a secret of the product" not in str(home)
