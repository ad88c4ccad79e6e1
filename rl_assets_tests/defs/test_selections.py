"""Selections and ranges as users write them for `dg launch`: what is missing or holds no day fails with a sentence."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.failed_runs import RANGE_END, RANGE_START
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets_tests.support.night_logs import write_log

Launch = Callable[..., dg.ExecuteInProcessResult]
NEVER, LOGGED, EMPTY = "2026-11-20", "2026-11-22", "2026-11-24"
RAW = ("interactions", "feedback", "rejected_records", "ingested_files")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("selections")
    (home / "landing").mkdir()
    return home


@pytest.fixture(scope="module")
def defs(folder: Path) -> dg.Definitions:
    resources = {"home": HomeResource.from_settings(Settings(home=folder))}
    return build_defs(resources=resources, executor=dg.in_process_executor)


@pytest.fixture
def launch(defs, instance) -> Launch:
    """Run a selection of assets, as `dg launch` does, for a day or a range."""

    def run(selection: str, first: str, last: str | None = None) -> dg.ExecuteInProcessResult:
        keys = dg.AssetSelection.from_coercible(selection.split(",")).resolve(defs.resolve_asset_graph())
        job = defs.resolve_implicit_job_def_def_for_assets(keys)
        days = {"partition_key": first} if last is None else {"tags": {RANGE_START: first, RANGE_END: last}}
        return job.execute_in_process(instance=instance, asset_selection=list(keys), raise_on_error=False, **days)

    return run


def reason(result: dg.ExecuteInProcessResult) -> str:
    """Why the first step that failed did so."""
    failure = next(event for event in result.all_events if event.is_step_failure).step_failure_data
    return str(failure.user_failure_data.description if failure.user_failure_data else failure.error)


@pytest.mark.parametrize("selection", [",".join(RAW), "interaction_features", "sft_dataset", "teacher_answers"])
def test_a_range_written_backwards_fails_with_how_to_write_it(launch, selection):
    result = launch(selection, LOGGED, NEVER)
    assert not result.success and result.get_asset_materialization_events() == []
    assert f"write {NEVER}...{LOGGED}" in reason(result)


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize("missing", ["sft_dataset", "+sft_dataset", "interaction_stats", "ab_report"])
def test_a_day_whose_inputs_were_never_materialized_is_not_built_of_nothing(launch, folder, missing):
    result = launch(missing, NEVER)
    assert not result.success
    needed = "interactions" if missing.startswith("+") else "rated_interactions"
    assert f"{needed} of {NEVER} was never materialized" in reason(result)
    assert read_manifest(folder / "datasets" / "sft_dataset" / NEVER) is None


@pytest.mark.slow  # Builds days for seconds.
def test_a_dataset_can_be_launched_with_everything_upstream(launch, folder):
    write_log(folder, LOGGED, range(5))
    result = launch("*sft_dataset", LOGGED)
    assert result.success
    manifest = read_manifest(folder / "datasets" / "sft_dataset" / LOGGED)
    assert manifest and sum(manifest.rows.values()) == 5
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert set(RAW) <= made, "tables that were published without being selected say so"


@pytest.mark.slow  # Builds days for seconds.
def test_a_materialized_day_without_files_is_an_input(launch):
    assert launch(",".join([*RAW, "interaction_features"]), EMPTY).success
    assert launch("+sft_dataset", EMPTY).success
