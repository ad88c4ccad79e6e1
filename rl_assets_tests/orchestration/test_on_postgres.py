"""Dagster's own tables in a real PostgreSQL, as `dagster-postgres.yaml` says, which goes away in mid-run. Minutes."""

import time

import dagster as dg
import pytest

from rl_assets_tests.support.nights import nights
from rl_assets_tests.support.postgres import postgres_server  # noqa: F401
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

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
AWAY_S = 10


def test_a_server_that_was_away_in_mid_training_loses_nothing_and_trains_once(tmp_path, postgres_server):  # noqa: F811
    environment = {**FEW, **postgres_server.variables}
    with nights(tmp_path, environment=environment, instance_file="deploy/dagster-postgres.yaml") as found:
        ready_to_train(found, seconds=4)
        daemon = found.start()
        run, _ = begun(found)
        postgres_server.stop()
        time.sleep(AWAY_S)
        postgres_server.start()

        (ended,) = wait_until_trained(found, runs=1)
        assert (ended.run_id, ended.status) == (run.run_id, dg.DagsterRunStatus.SUCCESS), "the run waited"
        assert daemon.poll() is None, "the daemon lives"
        found.wait_for_ticks(SENSOR)
        assert slots_taken(found) == 0 and len(trained(found)) == 1
        assert len(found.runs(JOB)) == 1, "asked for once"
        assert not (found.dagster_home / "storage").joinpath("runs.db").exists(), "nothing went to SQLite"
