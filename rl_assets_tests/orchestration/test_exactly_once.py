"""The real daemon, its sensors and its runs: new feedback trains exactly once, whatever happens. Minutes."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets_tests.support.night_logs import row, write_log
from rl_assets_tests.support.nights import Nights, nights
from rl_assets_tests.support.stand_in import make_dataset

pytestmark = pytest.mark.slow
DAY, NEXT_DAY, THIRD_DAY = "2026-10-01", "2026-10-02", "2026-10-03"
SENSOR, JOB = "enough_new_feedback", "retrain_job"
KILLER = str(Path(__file__).parents[1] / "support" / "killed_daemon.py")
FIRST = range(20)
KINDS = ("sft", "dpo", "grpo")


def usable(home: Path, day: str = DAY) -> int:
    manifest = read_manifest(home / "datasets" / "sft_dataset" / day)
    assert manifest is not None
    return manifest.rows["train"]


def counts_of_first_and_one_more(scratch: Path) -> tuple[int, int]:
    """How many usable rows the first file gives, and the number of a part that is one more (some are held out)."""
    write_log(scratch, DAY, FIRST)
    assert make_dataset(scratch, DAY).success
    before = usable(scratch)
    for number in range(FIRST.stop, FIRST.stop + 20):
        file = write_log(scratch, DAY, range(number, number + 1))
        assert make_dataset(scratch, DAY).success
        if usable(scratch) == before + 1:
            return before, number
        file.unlink()
    raise AssertionError("all twenty parts are held out")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Nights, int]]:
    """Nights whose first file lacks one row, and the number of the part that is that row."""
    before, number = counts_of_first_and_one_more(tmp_path / "scratch")
    thresholds = {f"RL_ASSETS_RETRAIN_MIN_{kind.upper()}_ROWS": str(before + 1) for kind in KINDS}
    (tmp_path / "nights").mkdir()
    with nights(tmp_path / "nights", environment=thresholds) as found:
        yield found, number


def forget_all_cursors(instance: dg.DagsterInstance) -> None:
    for state in instance.all_instigator_state():
        if state.instigator_data is not None:
            instance.update_instigator_state(state.with_data(state.instigator_data._replace(cursor=None)))


def test_the_threshold_trains_once_and_a_failed_training_loses_nothing(running):
    found, number = running
    (found.home / "training_fails").touch()
    write_log(found.home, DAY, FIRST)
    found.dagster("sensor", "start", "--start-all")
    daemon = found.start()

    found.wait_until_idle("datasets_job", 1)
    found.wait_for_ticks(SENSOR)
    assert found.runs(JOB) == [], "one row is lacking"
    assert "are needed" in found.ticks(SENSOR)[0].skip_reason

    write_log(found.home, DAY, range(number, number + 1))
    (failed,) = found.wait_until_idle(JOB, 1)
    assert failed.status is dg.DagsterRunStatus.FAILURE

    log = write_log(found.home, DAY, FIRST, "replayed.jsonl")
    found.wait_until_idle("datasets_job", 3)
    found.wait_for_ticks(SENSOR)
    found.kill(daemon)
    with found.instance() as instance:
        forget_all_cursors(instance)
    found.start()
    found.wait_for_ticks(SENSOR)
    found.wait_for_ticks("new_log_files")
    assert [run.run_id for run in found.runs(JOB)] == [failed.run_id]
    assert len(found.runs("datasets_job")) == 3

    (found.home / "training_fails").unlink()
    shutil.copytree(log.parent, log.parent.with_name(NEXT_DAY))
    trained, _ = found.wait_until_idle(JOB, 2)
    assert (trained.status, trained.tags["dagster/partition"]) == (dg.DagsterRunStatus.SUCCESS, NEXT_DAY)
    found.wait_for_ticks(SENSOR)
    assert len(found.runs(JOB)) == 2
    assert usable(found.home, NEXT_DAY) == usable(found.home)


def test_a_daemon_killed_between_tick_and_launch_trains_exactly_once(tmp_path):
    thresholds = {f"RL_ASSETS_RETRAIN_MIN_{kind.upper()}_ROWS": "5" for kind in KINDS}
    with nights(tmp_path, environment=thresholds) as found:
        found.dagster("sensor", "start", SENSOR)
        for turn, (day, point) in enumerate([(DAY, "TICK_HELD"), (NEXT_DAY, "RUN_CREATED")], 1):
            write_log(found.home, day, range(20 * turn, 20 * turn + 20))
            assert make_dataset(found.home, day).success
            killed = found.start(KILLER, SENSOR, point)
            assert killed.wait(120) == -signal.SIGKILL, found.last_lines()
            found.kill(killed)
            daemon = found.start()
            runs = found.wait_until_idle(JOB, turn)
            found.wait_for_ticks(SENSOR)
            found.kill(daemon)
            assert [run.tags["dagster/partition"] for run in runs].count(day) == 1
            assert {run.status for run in found.runs(JOB)} == {dg.DagsterRunStatus.SUCCESS}
            assert len(found.runs(JOB)) == turn


def test_a_thousand_thumbs_on_one_prompt_do_not_train(tmp_path):
    thresholds = {f"RL_ASSETS_RETRAIN_MIN_{kind.upper()}_ROWS": "2" for kind in KINDS}
    with nights(tmp_path, environment=thresholds) as found:
        write_log(found.home, DAY, range(1))
        thumbs = found.home / "landing" / "feedback_table" / DAY / "thumbs.jsonl"
        thumbs.parent.mkdir(parents=True)
        thumbs.write_text("".join(thumb(number) for number in range(1_000)), encoding="utf-8")
        found.dagster("sensor", "start", "--start-all")
        found.start()
        found.wait_until_idle("datasets_job", 1)
        found.wait_for_ticks(SENSOR)
        assert found.runs(JOB) == []
        assert "are needed" in found.ticks(SENSOR)[0].skip_reason


def thumb(number: int) -> str:
    import json

    about = {"interaction_id": row(DAY, 0)["interaction_id"], "prompt": None, "model_output": None}
    thumb = {"id": f"t{number}", "brand_id": "acme", "user_id": f"user-{number}", "task_type": "prices"}
    return json.dumps({**thumb, **about, "feedback_type": "thumbs_up", "created_at": f"{DAY}T12:00:00Z"}) + "\n"
