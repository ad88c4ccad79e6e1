"""The night of a newcomer, from 300 lines of their own to an adapter or the one sentence why there is none."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.core.home import Home
from rl_assets.defs.training.enough_new_feedback import enough_new_feedback
from rl_assets.defs.training.training_runs import ENOUGH_ROWS, NOT_TRAINED
from rl_assets.models.adapters import newest_adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.counting_tokenizer import counting_tokenizer
from rl_assets.recipes.recipe import named_recipe
from rl_assets.settings import Settings
from rl_assets.tables.usable_rows import UsableRows
from rl_assets.training.readiness import NIGHTLY, usable_rows
from rl_assets_tests.support.newcomer_logs import DAY, FORMATS, very_long, write_newcomer_log
from rl_assets_tests.support.newcomer_nights import ADAPTERS, NEEDED, checks, materialized, run_job, weightless_base
from rl_assets_tests.support.ticks import tick

# Kinds of adapters that train on 300 lines of the format. Where a line holds an answer or its verdict, half as many
# answers do; two replies to each prompt make pairs.
TRAIN = {key: {"sft"} for key in FORMATS} | {"oasst_trees": {"sft", "dpo"}}


def forecast(settings: Settings) -> dict[str, UsableRows]:
    """What the doctor counts."""
    tokenizer = counting_tokenizer(settings.base_model, settings.paths.models)
    usable = usable_rows(settings.paths, DAY, named_recipe(settings.recipe), tokenizer, NIGHTLY)
    return {one.kind: one for one in usable}


def doctor(settings: Settings) -> str:
    """What `python -m rl_assets.doctor` prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RL_ASSETS_")}
    ours = {"RL_ASSETS_HOME": str(settings.home), "RL_ASSETS_BASE_MODEL": settings.base_model}
    command = [sys.executable, "-m", "rl_assets.doctor"]
    return subprocess.run(command, env=kept | ours, capture_output=True, text=True, check=False).stdout


def require_skipped(result: dg.ExecuteInProcessResult, instance: dg.DagsterInstance, adapter: str, why: str) -> None:
    """The adapter is in one clear state: one check warns and says why, and the run has a tag."""
    assert adapter not in materialized(result)
    ((name, check),) = checks(result, adapter).items()
    assert (name, check.passed, check.severity) == (ENOUGH_ROWS, False, dg.AssetCheckSeverity.WARN)
    assert check.metadata["skipped"].value == why
    assert check.description == f"Skipped: {why}"
    run = instance.get_run_by_id(result.run_id)
    assert run is not None and run.tags[f"{NOT_TRAINED}/{adapter}"].endswith(" rows")


@pytest.mark.slow
def test_prompts_that_the_base_model_cannot_hold_train_nothing_and_everybody_says_so(
    home: Path, instance: dg.DagsterInstance, tmp_path: Path
):
    write_newcomer_log(home, "interaction_log", very_long)
    settings = Settings(home=home, base_model=weightless_base(tmp_path / "base"))
    assert run_job(settings, instance, "datasets_job").success
    expected = forecast(settings)
    assert (
        "has 0 usable rows (2" in expected["sft"].reason and "Raise the recipe's max_length" in expected["sft"].reason
    )

    made = instance.get_latest_materialization_event(dg.AssetKey("interaction_stats"))
    assert made is not None and made.asset_materialization is not None
    stats = made.asset_materialization.metadata
    assert stats["sft_rows"].value > 200 and stats["sft_trainable"].value == 0
    assert expected["sft"].reason.rstrip(".") in stats["recommendation"].value
    assert f"WARNING  tonight: {expected['sft']}".rstrip(".") in doctor(settings)

    result = run_job(settings, instance, "retrain_job")
    assert result.success
    assert materialized(result) == {"base_model", "ab_report", "feedback_insights"}  # The others are on the log.
    require_skipped(result, instance, "sft_adapter", expected["sft"].reason)
    assert not checks(result, "dpo_adapter")


@pytest.mark.slow  # Several seconds of CPU.
def test_new_feedback_that_the_base_model_cannot_hold_requests_no_run(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    write_newcomer_log(home, "feedback_table", very_long)
    assert run_job(Settings(home=home), instance, "datasets_job", NEEDED).success
    found = tick(enough_new_feedback, home, instance)
    assert found.run_requests == []
    for kind in NIGHTLY:
        assert (
            f"{kind} would not train: {kind}_dataset of {DAY} (max_length 1024) has 0 usable rows" in found.skip_message
        )


@pytest.mark.slow
@pytest.mark.parametrize("log_format", FORMATS)
def test_300_lines_train_what_the_doctor_said_or_say_why_not(
    home: Path, instance: dg.DagsterInstance, base: BaseModel, log_format: str
):
    write_newcomer_log(home, log_format)
    settings = Settings(home=home, base_model=base.path)
    assert run_job(settings, instance, "datasets_job", NEEDED).success
    expected = forecast(settings)
    assert {kind for kind, one in expected.items() if one.trains} == TRAIN[log_format]

    result = run_job(settings, instance, "retrain_job", ADAPTERS)
    assert result.success
    assert materialized(result) == {f"{kind}_adapter" for kind in TRAIN[log_format]}
    for kind, one in expected.items():
        if one.trains:
            adapter = newest_adapter(Home(home).adapters(), kind, DAY)
            assert adapter is not None and adapter.manifest.dataset.used == one.rows
            assert checks(result, f"{kind}_adapter")[ENOUGH_ROWS].passed
        else:
            require_skipped(result, instance, f"{kind}_adapter", one.reason)
