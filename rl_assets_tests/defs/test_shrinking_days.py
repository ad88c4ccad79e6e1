"""Log files that vanish: the sensor does not request their days, and a run keeps the rows until told otherwise."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.ingestion.new_log_files import new_log_files
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.ingest.landing import LandingError
from rl_assets.lake.delta import Lake
from rl_assets.settings import load_settings
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import DAY, Product, interaction, later, opinion
from rl_assets_tests.support.ticks import tick

TABLES = (INTERACTIONS, FEEDBACK, REJECTED_RECORDS, INGESTED_FILES)


@pytest.fixture(autouse=True)
def environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RL_ASSETS_HOME", str(home))


def materialize(allow_shrink: bool | None = None) -> dg.ExecuteInProcessResult:
    """The raw tables of the day, as they are launched in the UI."""
    config = {"ops": {"landed_logs": {"config": {"allow_shrink": allow_shrink}}}} if allow_shrink else {}
    home = HomeResource.from_settings(load_settings())
    job = build_defs({"home": home}, dg.in_process_executor).resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey(table.name) for table in TABLES]
    return job.execute_in_process(partition_key=str(DAY), asset_selection=keys, run_config=config, raise_on_error=False)


def failure(result: dg.ExecuteInProcessResult) -> str:
    (step,) = (event for event in result.all_events if event.is_step_failure)
    return step.step_failure_data.user_failure_data.description


def gone_files(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    assert result.success
    (found,) = (check for check in result.get_asset_check_evaluations() if check.check_name == "no_file_is_gone")
    return found


def rows(product: Product) -> int:
    return product.lake.read(INTERACTIONS, [DAY]).count_rows()


def log(product: Product, count: int) -> Path:
    return product.log(*(interaction(f"a{i}") for i in range(count)))


@pytest.mark.slow  # Builds days for seconds.
def test_a_day_whose_folder_is_gone_fails_and_keeps_its_rows(product: Product):
    file = log(product, 150)
    assert materialize().success
    shutil.rmtree(file.parent)

    result = materialize()
    assert not result.success
    said = failure(result)
    assert "would shrink from 150 rows of 1 files to 0 rows of 0 files" in said
    assert f"gone: interaction_log/{DAY}/part-0.jsonl" in said and "`allow_shrink: true`" in said
    assert rows(product) == 150


@pytest.mark.slow  # Several seconds of CPU.
def test_some_files_that_are_gone_are_a_warning_that_names_them_and_a_moved_one_is_none(product: Product):
    kept = log(product, 30)
    moved, gone = (product.log(interaction(name), name=f"{name}.jsonl") for name in ("moved", "gone"))
    assert gone_files(materialize()).passed
    moved.rename(moved.with_name("other-name.jsonl"))
    gone.unlink()
    found = gone_files(materialize())
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert (
        f"1 files that were read before are gone, and with them 1 rows: interaction_log/{DAY}/gone.jsonl"
        in found.description
    )
    assert gone_files(materialize()).passed and rows(product) == 31  # Said once: it is no longer a file of the day.
    kept.write_text(kept.read_text().splitlines(keepends=True)[0])
    assert gone_files(materialize(allow_shrink=True)).passed


@pytest.mark.slow  # Builds days for seconds.
def test_a_loss_that_is_meant_is_published(product: Product):
    file = log(product, 10)
    assert materialize().success
    file.unlink()
    assert materialize(allow_shrink=True).success
    assert rows(product) == 0
    assert materialize().success, "a day that is empty already loses nothing"


@pytest.mark.slow  # Several seconds of CPU.
def test_half_of_the_rows_or_the_share_of_the_setting_is_refused(product: Product, monkeypatch):
    log(product, 10)
    assert materialize().success
    for left, limit, kept in ((5, 0.5, 10), (6, 0.5, 6), (1, 1, 1), (0, 1, 1)):
        monkeypatch.setenv("RL_ASSETS_MAX_SHRINK", str(limit))
        log(product, left)
        assert materialize().success == (kept == left)
        assert rows(product) == kept


@pytest.mark.slow  # Builds days for seconds.
def test_a_setting_that_rejects_most_lines_of_a_day_does_not_empty_it(product: Product, monkeypatch):
    product.log(*(opinion(f"a{i}", "rating", rating=4) for i in range(10)), log_format="feedback_table")
    assert materialize().success
    monkeypatch.setenv("RL_ASSETS_METRICS", '{"rating": {"worst": 1, "best": 3}}')
    assert "would shrink from 10 rows of 1 files to 0 rows of 1 files" in failure(materialize())


def test_a_day_whose_files_are_gone_is_not_requested_and_comes_back_in_silence(product: Product, home, instance):
    file = log(product, 3)
    product.log(interaction("other"), day=later(1))
    assert materialize().success
    cursor = tick(new_log_files, home, instance).cursor
    aside = file.rename(home / "aside.jsonl")

    without = tick(new_log_files, home, instance, cursor)
    assert without.run_requests == []
    assert f"the files of 1 days are gone, the first is {DAY}: their tables are kept" in without.skip_message
    aside.rename(file)
    assert tick(new_log_files, home, instance, without.cursor).run_requests == []


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize(("folder_stays", "cursor_is_lost"), [(True, False), (False, True)])
def test_a_landing_folder_that_lost_all_files_fails_the_tick(
    product: Product, home, instance, folder_stays, cursor_is_lost
):
    log(product, 3)
    assert materialize().success
    cursor = tick(new_log_files, home, instance).cursor
    shutil.rmtree(product.landing)
    if folder_stays:
        product.landing.mkdir()
    with pytest.raises(LandingError, match=f"no log file left, but had some of 1 days, {DAY} to {DAY}.*mounted"):
        tick(new_log_files, home, instance, None if cursor_is_lost else cursor)


def test_a_landing_folder_that_never_had_a_file_is_waited_for(home, instance):
    assert "no log day has changed" in tick(new_log_files, home, instance).skip_message
    assert Lake(str(home / "lake")).days(INGESTED_FILES) == []
