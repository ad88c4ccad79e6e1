"""What people are told of runs and days, posted to a real web server by the sensors that the daemon evaluates."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from rl_assets.defs.shared.alerts import late_days, run_failure, run_results
from rl_assets.defs.shared.failed_runs import WILL_RETRY
from rl_assets.defs.shared.partitions import day_check, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import load_settings
from rl_assets_tests.support.ticks import tick
from rl_assets_tests.support.webhook import webhook

DAY = "2026-11-20"


class Outcome(dg.Config):
    """What becomes of the asset below."""

    outcome: str
    candidate: str = "a1b2"


@dg.asset(
    partitions_def=days, output_required=False, check_specs=[day_check("rows_are_whole", "table", "No row is cut.")]
)
def table(context: dg.AssetExecutionContext, config: Outcome):
    if config.outcome == "refused":
        raise dg.Failure("log.gz ends early;\nfix it", allow_retries=False)
    if config.outcome == "broken":
        raise ValueError("no such column")
    metadata = {"verdict": config.outcome, "adapter": "dpo", "reasons": "- better by 3 points\n- no guardrail fails"}
    metadata["candidate"] = config.candidate
    observed = {
        "skipped": {"skipped": "3 rows, 100 are needed"},
        "rolled back": {"rolled_back": "dpo/b", "champion": "dpo/a", "of": "2026-11-01", "reason": "too rude"},
    }
    if config.outcome in observed:
        context.log_event(dg.AssetObservation("table", partition=DAY, metadata=observed[config.outcome]))
    severity = dg.AssetCheckSeverity.WARN if config.outcome == "warned" else dg.AssetCheckSeverity.ERROR
    passed = config.outcome not in ("cut", "warned")
    check = dg.AssetCheckResult(
        passed=passed, severity=severity, description="No row is cut.", metadata={"cut_rows": 3}
    )
    yield dg.MaterializeResult(metadata=metadata, check_results=[check])


@pytest.fixture
def posted(monkeypatch) -> Iterator[list[str]]:
    with webhook() as (address, received):
        monkeypatch.setenv("RL_ASSETS_ALERT_WEBHOOK", address)
        monkeypatch.setenv("RL_ASSETS_UI_URL", "https://dagster.example.org/")
        yield received


def run(instance: dg.DagsterInstance, outcome: str, candidate: str = "a1b2", day: str = DAY, **tags: str) -> str:
    """Materialize the table's day with that outcome, and let the sensors of ended runs see it; the run's id."""
    configured = dg.RunConfig(ops={"table": Outcome(outcome=outcome, candidate=candidate)})
    result = dg.materialize(
        [table], instance=instance, partition_key=day, run_config=configured, raise_on_error=False, tags=tags
    )
    sensor = run_results if result.success else run_failure
    kind = dg.DagsterEventType.RUN_SUCCESS if result.success else dg.DagsterEventType.RUN_FAILURE
    (ended,) = result.filter_events(lambda event: event.event_type is kind)
    home = HomeResource.from_settings(load_settings())
    context = dg.build_run_status_sensor_context(
        sensor.name, ended, instance, result.dagster_run, resources={"home": home}
    )
    sensor(context if result.success else context.for_run_failure())
    return result.run_id


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ("refused", "table failed: log.gz ends early; fix it"),
        ("broken", "table failed: ValueError: no such column"),
        ("cut", "table failed its check rows_are_whole: cut_rows 3 (expected: No row is cut.)"),
        ("skipped", "table was not trained: 3 rows, 100 are needed"),
        ("PROMOTE", "table is PROMOTE of dpo (the champion stays): better by 3 points"),
        ("CANARY", "table is CANARY of dpo (the champion stays): better by 3 points"),
        ("REJECT", "table is REJECT of dpo: better by 3 points"),
        ("rolled back", "champion dpo/b was rolled back to dpo/a of 2026-11-01: too rude"),
    ],
)
def test_a_message_has_day_asset_cause_and_link(instance, posted, outcome, message):
    run_id = run(instance, outcome)
    assert posted == [f"{DAY}: {message}\nhttps://dagster.example.org/runs/{run_id}"]


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize("outcome", ["HOLD", "warned"])
def test_a_run_that_asks_for_nothing_is_not_told_of(instance, posted, outcome):
    run(instance, outcome)
    assert posted == []


def test_a_failure_is_told_of_once_and_not_per_retry(instance, posted):
    run(instance, "broken", **{WILL_RETRY: "true"})
    assert posted == []
    run(instance, "broken")
    assert len(posted) == 1


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize("outcome", ["REJECT", "skipped"])
def test_what_stays_the_same_night_after_night_is_told_of_once(instance, posted, outcome):
    for day in ("2026-11-20", "2026-11-21", "2026-11-22"):
        run(instance, outcome, day=day)
    assert len(posted) == 1


def test_another_rejected_adapter_is_told_of(instance, posted):
    run(instance, "REJECT")
    run(instance, "REJECT", candidate="c3d4", day="2026-11-21")
    assert len(posted) == 2


def test_without_a_webhook_nothing_is_posted(instance, posted, monkeypatch):
    monkeypatch.delenv("RL_ASSETS_ALERT_WEBHOOK")
    run(instance, "broken")
    assert posted == []


def test_a_late_day_is_told_of_once_though_an_old_day_is_fresh(instance, posted, tmp_path):
    due = str((datetime.now(UTC) - timedelta(days=1, hours=6)).date())
    assert tick(late_days, tmp_path, instance).cursor is None and posted == []
    for name in ("ingested_files", "interaction_stats"):
        instance.report_runless_asset_event(dg.AssetMaterialization(name, partition="2026-10-02"))
    told = tick(late_days, tmp_path, instance)
    missing = "the newest day of ingested_files is 2026-10-02, the newest day of interaction_stats is 2026-10-02"
    assert posted == [f"{due}: late: {missing}"]
    tick(late_days, tmp_path, instance, told.cursor)
    assert len(posted) == 1


def test_a_day_that_is_there_is_not_late(instance, posted, tmp_path):
    due = str((datetime.now(UTC) - timedelta(days=1, hours=6)).date())
    for name in ("ingested_files", "interaction_stats"):
        instance.report_runless_asset_event(dg.AssetMaterialization(name, partition=due))
    assert "is materialized" in tick(late_days, tmp_path, instance).skip_message and posted == []
