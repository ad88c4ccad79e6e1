"""Which day the nightly run is for, by evaluated ticks as the daemon and the UI's dry run evaluate them."""

import os
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._utils.schedules import schedule_execution_time_iterator

from rl_assets.definitions import defs

DRY_RUN = """
mutation($schedule: ScheduleSelector!, $timestamp: Float!) {
  scheduleDryRun(selectorData: $schedule, timestamp: $timestamp) {
    ... on DryRunInstigationTick { evaluationResult { error { message } runRequests { tags { key value } } } }
  }
}
"""
MODULE = "rl_assets_tests.support.stand_in"


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return defs.get_repository_def()


def evaluate(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, scheduled: datetime
) -> tuple[list[str | None], str | None]:
    """The days that a tick requests, and why it requests none."""
    schedule = repository.get_schedule_def("nightly_retrain")
    with dg.build_schedule_context(instance, scheduled, repository_def=repository) as context:
        tick = schedule.evaluate_tick(context)
    return [request.partition_key for request in tick.run_requests or []], tick.skip_message


@pytest.mark.parametrize(
    ("scheduled", "ended"),
    [
        (datetime(2026, 11, 29, 2, tzinfo=UTC), "2026-11-28"),
        (datetime(2027, 1, 1, 2, tzinfo=UTC), "2026-12-31"),
        # The same moment, as a machine in another timezone writes it.
        (datetime(2026, 12, 31, 18, tzinfo=timezone(timedelta(hours=-8))), "2026-12-31"),
    ],
)
def test_a_tick_requests_the_day_that_ended(instance, repository, scheduled, ended):
    assert evaluate(instance, repository, scheduled) == ([ended], None)


@pytest.mark.slow
def test_a_leap_year_of_ticks_requests_each_of_its_days_once(instance, repository):
    cron = repository.get_schedule_def("nightly_retrain").cron_schedule
    start = datetime(2028, 1, 1, 12, tzinfo=UTC)
    ticks = islice(schedule_execution_time_iterator(start.timestamp(), cron, "UTC"), 366)
    requested = [day for tick in ticks for day in evaluate(instance, repository, tick)[0]]
    assert requested == [str(start.date() + timedelta(days=number)) for number in range(366)]


def test_a_tick_before_the_first_partition_says_which_setting_decides_it(instance, repository):
    requested, reason = evaluate(instance, repository, datetime(2026, 10, 1, 2, tzinfo=UTC))
    assert requested == [] and reason and "RL_ASSETS_START_DATE" in reason


@pytest.mark.slow
@pytest.mark.parametrize("offset", ["2026-11-29T02:00:00", "2027-01-01T02:00:00"])
def test_a_dry_run_in_the_ui_requests_the_day_that_ended(tmp_path, offset):
    from dagster_graphql.test.utils import execute_dagster_graphql

    scheduled = datetime.fromisoformat(offset).replace(tzinfo=UTC)
    schedule = {
        "scheduleName": "nightly_retrain",
        "repositoryName": "__repository__",
        "repositoryLocationName": MODULE,
    }
    target = ModuleTarget(module_name=MODULE, attribute=None, working_directory=str(Path.cwd()), location_name=MODULE)
    with (
        patch.dict(os.environ, {"RL_ASSETS_HOME": str(tmp_path)}),
        # Its code server is another process, which an instance in memory cannot serve.
        dg.instance_for_test() as instance,
        WorkspaceProcessContext(instance, target) as process,
    ):
        variables = {"schedule": schedule, "timestamp": scheduled.timestamp()}
        result = execute_dagster_graphql(process.create_request_context(), DRY_RUN, variables)
    evaluation = result.data["scheduleDryRun"]["evaluationResult"]
    tags = {tag["key"]: tag["value"] for request in evaluation["runRequests"] for tag in request["tags"]}
    assert tags["dagster/partition"] == str(scheduled.date() - timedelta(days=1))
