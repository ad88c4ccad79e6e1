"""Whether a run's process is still there: real processes, and events as Dagster writes them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

from rl_assets.instance.gone_runs import end_gone_runs
from rl_assets.instance.run_launcher import LocalRunLauncher, is_alive


@pytest.fixture
def process() -> Iterator[subprocess.Popen]:
    started = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield started
    started.kill()
    started.wait()


def test_a_process_is_alive_until_it_is_killed_and_also_before_anybody_waited_for_it(process):
    assert is_alive(process.pid, time.time())
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(process.pid, time.time())
    process.wait()
    assert not is_alive(process.pid, time.time())


def test_another_process_that_got_the_same_id_later_is_not_the_runs(process):
    assert not is_alive(process.pid, time.time() - 3_600)


@dg.op
def nothing() -> None:
    """A run needs one."""


@dg.job
def some_job() -> None:
    nothing()


def health(pid: int | None) -> WorkerStatus:
    """What the launcher says of a run whose process said that it is `pid`, or said nothing yet."""
    with dg.instance_for_test() as instance:
        run = instance.create_run_for_job(some_job)
        if pid is not None:
            instance.report_engine_event("Started process for run.", run, EngineEventData.in_process(pid))
        launcher = LocalRunLauncher()
        launcher.register_instance(instance)
        return launcher.check_run_worker_health(run).status


def test_a_run_is_gone_when_its_process_is(process):
    assert health(process.pid) is WorkerStatus.RUNNING
    process.kill()
    process.wait()
    assert health(process.pid) is WorkerStatus.NOT_FOUND


def test_a_step_that_a_pool_has_forgotten_gets_the_place_that_is_free():
    with dg.instance_for_test() as instance:
        run, storage = instance.create_run_for_job(some_job), instance.event_log_storage
        assert isinstance(storage, SqlEventLogStorage)
        storage.set_concurrency_slots("gpu", 1)
        # The step saw the place taken, and waits only after it was given back.
        storage.add_pending_step("gpu", run.run_id, "nothing", should_assign=False)
        assert not storage.claim_concurrency_slot("gpu", run.run_id, "nothing").is_claimed
        launcher = LocalRunLauncher()
        launcher.register_instance(instance)
        assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
        assert storage.claim_concurrency_slot("gpu", run.run_id, "nothing").is_claimed
        other = instance.create_run_for_job(some_job)
        assert not storage.claim_concurrency_slot("gpu", other.run_id, "nothing").is_claimed
        launcher.check_run_worker_health(other)
        assert not storage.claim_concurrency_slot("gpu", other.run_id, "nothing").is_claimed


def test_a_run_that_has_not_named_its_process_is_waited_for():
    assert health(None) is WorkerStatus.RUNNING


def test_a_killed_run_is_ended_without_a_daemon_and_the_next_one_gets_its_place(process):
    with dg.instance_for_test() as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, SqlEventLogStorage)
        storage.set_concurrency_slots("gpu", 1)
        killed, waiting = (instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.STARTED) for _ in range(2))
        instance.report_engine_event("Started process for run.", killed, EngineEventData.in_process(process.pid))
        instance.report_engine_event("Started process for run.", waiting, EngineEventData.in_process(os.getpid()))
        assert storage.claim_concurrency_slot("gpu", killed.run_id, "nothing").is_claimed
        assert not storage.claim_concurrency_slot("gpu", waiting.run_id, "nothing").is_claimed
        assert end_gone_runs(instance) == []
        process.kill()
        process.wait()
        assert end_gone_runs(instance) == [killed.run_id]
        assert storage.claim_concurrency_slot("gpu", waiting.run_id, "nothing").is_claimed
        statuses = [instance.get_run_by_id(run.run_id).status for run in (killed, waiting)]
        assert statuses == [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED]
