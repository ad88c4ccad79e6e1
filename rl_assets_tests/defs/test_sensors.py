"""What the sensors ask for, tick by tick, on real folders and a real instance."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.defs.ingestion.new_log_files import new_log_files
from rl_assets.defs.ingestion.raw_tables import landed_logs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.enough_new_feedback import enough_new_feedback
from rl_assets.settings import Settings
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support import stand_in
from rl_assets_tests.support.logs import interaction, undated_log
from rl_assets_tests.support.night_logs import write_log
from rl_assets_tests.support.stand_in import make_dataset
from rl_assets_tests.support.ticks import tick

DAY = "2026-10-01"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A home with a day's dataset of 40 answers; to be copied."""
    home = tmp_path_factory.mktemp("made")
    write_log(home, DAY, range(40))
    assert make_dataset(home, DAY).success
    return home


@pytest.fixture
def with_dataset(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


@pytest.fixture(autouse=True)
def modest_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployment's recipe trains on a single row."""
    (tmp_path / "recipe.yaml").write_text("preset: tiny_cpu\nmin_rows_sft: 1\n", encoding="utf-8")
    monkeypatch.setenv("RL_ASSETS_RECIPE", str(tmp_path / "recipe.yaml"))


def retrain(home: Path, instance: dg.DagsterInstance, cursor: str | None = None):
    """A tick in a code location whose runs train one adapter."""
    return tick(enough_new_feedback, home, instance, cursor, stand_in.defs)


def test_exactly_the_days_whose_files_changed_are_asked_for(tmp_path, instance):
    for day in ("2026-10-01", "2026-10-02", "2026-10-03"):
        write_log(tmp_path, day, range(1))
    first = tick(new_log_files, tmp_path, instance)
    assert [request.partition_key for request in first.run_requests] == ["2026-10-01", "2026-10-02", "2026-10-03"]

    assert tick(new_log_files, tmp_path, instance, first.cursor).run_requests == []
    write_log(tmp_path, "2026-10-02", range(2))
    again = tick(new_log_files, tmp_path, instance, first.cursor)
    assert [request.partition_key for request in again.run_requests] == ["2026-10-02"]


def test_a_lost_cursor_asks_with_the_same_run_keys(tmp_path, instance):
    write_log(tmp_path, DAY, range(1))
    keys = [
        [request.run_key for request in tick(new_log_files, tmp_path, instance, cursor=None).run_requests]
        for _ in range(2)
    ]
    assert keys[0] == keys[1]


def test_an_unreadable_folder_fails_the_tick_and_opens_nothing(tmp_path, instance):
    (tmp_path / "landing" / "no_such_format").mkdir(parents=True)
    with pytest.raises(ValueError, match="is not a known log format"):
        tick(new_log_files, tmp_path, instance)


def test_append_only_logs_are_landed_by_the_tick(tmp_path, instance):
    log = tmp_path / "landing" / "reward_log" / "service.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text('{"type": "feedback", "interaction_id": "a", "reward": 1}\n', encoding="utf-8")
    (request,) = tick(new_log_files, tmp_path, instance).run_requests
    assert date.fromisoformat(request.partition_key) >= date(2026, 10, 1)
    assert (log.parent / request.partition_key).is_dir()


@pytest.fixture
def log(tmp_path) -> Path:
    return undated_log(tmp_path, "interaction_log")


def write(log: Path, *names: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write("".join(f"{json.dumps(interaction(name))}\n" for name in names))


def test_a_log_that_was_cut_stops_no_other_and_is_named(log, tmp_path, instance, capsys):
    write(log, "start", "x", "y")
    first = tick(new_log_files, tmp_path, instance)
    landed = log.stat().st_size
    log.unlink()
    write(log, "start")
    write(log.with_name("worker.jsonl"), "z")
    write_log(tmp_path, DAY, range(1))
    second = tick(new_log_files, tmp_path, instance, first.cursor)
    today = str(datetime.now(UTC).date())
    assert [request.partition_key for request in second.run_requests] == [DAY, today]
    lines = [line for path in (log.parent / today).iterdir() for line in path.read_text(encoding="utf-8").splitlines()]
    assert sorted(json.loads(line)["interaction_id"] for line in lines) == ["start", "start", "x", "y", "z"]
    named = f"interaction_log/service.jsonl was cut or replaced after {landed} bytes of it had landed"
    assert f"WARNING - {named}" in capsys.readouterr().err


def test_files_without_a_day_that_no_tick_reads_are_named(log, tmp_path, instance):
    for name in ("table.parquet", "service.jsonl.1.bz2"):
        log.with_name(name).write_bytes(b"")
    named = (
        "2 files have no day in their path and are no logs: interaction_log/service.jsonl.1.bz2, interaction_log/tab"
    )
    assert named in tick(new_log_files, tmp_path, instance).skip_message


@pytest.mark.slow  # Builds days for seconds.
def test_the_lines_of_a_rotated_log_are_ingested_once(log, tmp_path, instance):
    write(log, "a", "b")
    first = tick(new_log_files, tmp_path, instance)
    write(log, "c")
    log.rename(log.with_name("service.jsonl-20261128"))
    write(log, "d")
    (request,) = tick(new_log_files, tmp_path, instance, first.cursor).run_requests
    home = HomeResource.from_settings(Settings(home=tmp_path))
    done = dg.materialize([landed_logs], partition_key=request.partition_key, resources={"home": home})
    assert done.success
    rows = home.lake.read(INTERACTIONS, [date.fromisoformat(request.partition_key)]).to_table().to_pylist()
    assert sorted(row["interaction_id"] for row in rows) == ["a", "b", "c", "d"]


@pytest.mark.slow  # Builds days for seconds.
def test_one_row_below_the_threshold_does_not_retrain_and_the_threshold_does(with_dataset, instance, monkeypatch):
    usable = read_manifest(with_dataset / "datasets" / "sft_dataset" / DAY).rows["train"]

    monkeypatch.setenv("RL_ASSETS_RETRAIN_MIN_SFT_ROWS", str(usable + 1))
    assert f"'sft': {usable}" in retrain(with_dataset, instance).skip_message
    monkeypatch.setenv("RL_ASSETS_RETRAIN_MIN_SFT_ROWS", str(usable))
    (request,) = retrain(with_dataset, instance).run_requests
    assert request.partition_key == DAY


@pytest.mark.slow
def test_a_thousand_answers_to_one_prompt_do_not_retrain(tmp_path, instance, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_RETRAIN_MIN_SFT_ROWS", "2")
    write_log(tmp_path, DAY, range(1), answers=1_000)
    assert make_dataset(tmp_path, DAY).success
    assert retrain(tmp_path, instance).run_requests == []


@pytest.mark.slow
def test_the_same_datasets_are_asked_for_under_one_key(with_dataset, instance, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_RETRAIN_MIN_SFT_ROWS", "1")
    keys = [retrain(with_dataset, instance).run_requests[0].run_key for _ in range(2)]
    assert make_dataset(with_dataset, DAY).success
    keys.append(retrain(with_dataset, instance).run_requests[0].run_key)
    assert len(set(keys)) == 1


def test_a_training_that_just_started_is_waited_for(with_dataset, instance, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_RETRAIN_MIN_SFT_ROWS", "1")
    instance.create_run_for_job(retrain_stub)
    found = retrain(with_dataset, instance)
    assert found.run_requests == [] and "retrain_job" in found.skip_message


def test_a_run_whose_adapter_would_be_skipped_is_not_asked_for(with_dataset, instance, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_RETRAIN_MIN_SFT_ROWS", "1")
    monkeypatch.setenv("RL_ASSETS_RECIPE", "tiny_cpu")
    usable = read_manifest(with_dataset / "datasets" / "sft_dataset" / DAY).rows["train"]
    found = retrain(with_dataset, instance)
    assert found.run_requests == []
    assert f"sft_dataset of {DAY} has {usable} usable rows, training needs 100" in found.skip_message
    again = retrain(with_dataset, instance, found.cursor)
    assert (again.skip_message, again.cursor) == (found.skip_message, found.cursor)


def test_rows_that_the_base_model_cannot_hold_are_not_enough(with_dataset, instance, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_RETRAIN_MIN_SFT_ROWS", "1")
    recipe = with_dataset / "short.yaml"
    recipe.write_text("preset: tiny_cpu\nmin_rows_sft: 1\nmax_length: 8\n", encoding="utf-8")
    monkeypatch.setenv("RL_ASSETS_RECIPE", str(recipe))
    message = retrain(with_dataset, instance).skip_message
    assert "(max_length 8) has 0 usable rows" in message and "Raise the recipe's max_length" in message


def test_every_adapter_of_the_run_must_have_its_rows(with_dataset, instance, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_RETRAIN_MIN_SFT_ROWS", "1")
    message = tick(enough_new_feedback, with_dataset, instance).skip_message
    assert "sft would train on" in message and f"there is no dpo_dataset of {DAY}" in message


@dg.op
def nothing() -> None:
    """Stands for a training that is under way."""


@dg.job(name="retrain_job")
def retrain_stub() -> None:
    nothing()
