"""Processes are killed in mid-training, and the nights go on by themselves. Real processes; minutes."""

import os
import signal
import urllib.error
import urllib.request

import dagster as dg
import pytest

from rl_assets_tests.support.nights import STAND_IN, nights
from rl_assets_tests.support.servers import free_port
from rl_assets_tests.support.trainings import (
    FEW,
    JOB,
    SENSOR,
    begun,
    ready_to_train,
    slots_taken,
    trained,
    wait_until_trained,
)

pytestmark = pytest.mark.slow


def test_a_run_whose_process_was_killed_gives_its_place_back_and_is_run_again(tmp_path):
    with nights(tmp_path, environment=FEW) as found:
        ready_to_train(found, seconds=4)
        found.start()
        run, process = begun(found)
        os.kill(process, signal.SIGKILL)
        again, killed = wait_until_trained(found, runs=2)
        assert (killed.run_id, killed.status) == (run.run_id, dg.DagsterRunStatus.FAILURE)
        assert (again.parent_run_id, again.status) == (run.run_id, dg.DagsterRunStatus.SUCCESS)
        assert slots_taken(found) == 0
        found.wait_for_ticks(SENSOR)
        assert len(found.runs(JOB)) == 2 and len(trained(found)) == 1


def test_a_step_whose_process_was_killed_is_tried_again_in_the_same_run(tmp_path):
    with nights(tmp_path, environment={**FEW, "RL_ASSETS_EXECUTOR": "multiprocess"}) as found:
        ready_to_train(found, seconds=4)
        found.start()
        run, process = begun(found, step="sft_adapter")
        os.kill(process, signal.SIGKILL)
        (ended,) = wait_until_trained(found, runs=1)
        assert (ended.run_id, ended.status) == (run.run_id, dg.DagsterRunStatus.SUCCESS)
        with found.instance() as instance:
            assert instance.get_run_step_stats(run.run_id, ["sft_adapter"])[0].attempts == 2
        assert slots_taken(found) == 0


def test_a_power_cut_in_mid_training_is_noticed_by_the_next_daemon_and_the_run_is_run_again(tmp_path):
    with nights(tmp_path, environment=FEW) as found:
        ready_to_train(found, seconds=4)
        daemon = found.start()
        run, process = begun(found)
        found.kill(daemon)
        os.kill(process, signal.SIGKILL)
        assert trained(found) == [] and slots_taken(found) == 1
        found.start()
        again, killed = wait_until_trained(found, runs=2)
        assert (again.parent_run_id, again.status) == (run.run_id, dg.DagsterRunStatus.SUCCESS)
        assert (killed.run_id, killed.status) == (run.run_id, dg.DagsterRunStatus.FAILURE)


def test_a_daemon_killed_in_mid_training_leaves_the_run_to_its_end(tmp_path):
    with nights(tmp_path, environment=FEW) as found:
        ready_to_train(found, seconds=4)
        daemon = found.start()
        run, _ = begun(found)
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait()
        found.start()
        (ended,) = wait_until_trained(found, runs=1)
        assert (ended.run_id, ended.status) == (run.run_id, dg.DagsterRunStatus.SUCCESS)
        found.wait_for_ticks(SENSOR)
        assert len(found.runs(JOB)) == 1


def answers(port: int) -> bool:
    """Whether a web server answers there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def test_a_web_server_killed_in_mid_training_changes_nothing_and_can_be_started_again(tmp_path):
    with nights(tmp_path, environment=FEW) as found:
        ready_to_train(found, seconds=4)
        port = free_port()
        command = ["-m", "dagster_webserver", "-m", STAND_IN, "--port", str(port)]
        server = found.spawn(command, "webserver.log")
        found.wait_for("the web server", lambda: answers(port))
        found.start()
        run, _ = begun(found)
        found.kill(server)
        assert not answers(port)
        (ended,) = wait_until_trained(found, runs=1)
        assert (ended.run_id, ended.status) == (run.run_id, dg.DagsterRunStatus.SUCCESS)
        found.spawn(command, "webserver.log")
        found.wait_for("the web server", lambda: answers(port))
