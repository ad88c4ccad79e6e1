"""What people need to know of a run, from its events: one sentence per event with its day, asset and cause.

Failures, failed checks of severity ERROR, skipped trainings, decisions to promote or reject, and rollbacks. A step that
is retried has no failure until its last attempt, so a message is not repeated per retry. What an asset has said the
time before is not said again: a night after the other, the same adapter is rejected, or training lacks the same rows.
"""

from collections.abc import Callable

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from rl_assets.defs.shared.failed_runs import RANGE_END, RANGE_START

PARTITION = "dagster/partition"
MAX_CHARACTERS = 400
# HOLD and INSUFFICIENT change nothing and ask for nothing.
DECIDED = ("PROMOTE", "CANARY", "REJECT")
NOT_SHOWN = ("day", "partition", "bad_rows")
Event = dg.DagsterEvent


def run_messages(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    """The messages of a run that ended, in the order of its events."""
    entries = instance.all_logs(run.run_id, of_type=set(MESSAGES))
    events = [entry.dagster_event for entry in entries if entry.dagster_event and not _is_repeated(instance, entry)]
    messages = [MESSAGES[event.event_type](event, day_of_run(run)) for event in events]
    # A check of several days in one run has two events per day.
    return list(dict.fromkeys(message for message in messages if message))


def day_of_run(run: dg.DagsterRun) -> str:
    """The day of a run, its range of days, or its job."""
    first, last = run.tags.get(RANGE_START), run.tags.get(RANGE_END)
    return run.tags.get(PARTITION) or (f"{first} to {last}" if first and last else run.job_name)


def _is_repeated(instance: dg.DagsterInstance, entry: dg.EventLogEntry) -> bool:
    """Whether the asset's previous event said the same of the same adapter, or skipped training for the same reason."""
    statement = _statement(entry)
    event = entry.asset_materialization or entry.asset_observation
    if statement is None or event is None:
        return False
    observed = entry.dagster_event_type is dg.DagsterEventType.ASSET_OBSERVATION
    fetch = instance.fetch_observations if observed else instance.fetch_materializations
    previous = fetch(dg.AssetRecordsFilter(event.asset_key, before_timestamp=entry.timestamp), limit=1).records
    return any(_statement(record.event_log_entry) == statement for record in previous)


def _statement(entry: dg.EventLogEntry) -> tuple[object, ...] | None:
    """What makes a decision or a skipped training the same as another; None for other events."""
    event = entry.asset_materialization or entry.asset_observation
    facts = {name: value.value for name, value in event.metadata.items()} if event else {}
    if "skipped" in facts:
        return (facts["skipped"],)
    names = ("verdict", "candidate", "champion_changed")
    return tuple(facts.get(name) for name in names) if "candidate" in facts else None


def _failure(event: Event, day: str) -> str | None:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        cause = data.user_failure_data.description
    else:
        cause = _root_cause(data.error) if data.error else "no error is known"
    return f"{day}: {event.step_key} failed: {_one_line(cause)}"


def _root_cause(error: SerializableErrorInfo) -> str:
    while error.cause:
        error = error.cause
    return error.message


def _check(event: Event, day: str) -> str | None:
    check = event.asset_check_evaluation_data
    if check.passed or check.severity is not dg.AssetCheckSeverity.ERROR:
        return None
    facts = {name: value.value for name, value in check.metadata.items() if name not in NOT_SHOWN}
    shown = ", ".join(f"{name} {value}" for name, value in facts.items())
    expected = f" (expected: {check.description})" if check.description else ""
    asset = check.asset_key.to_user_string()
    return f"{check.partition or day}: {asset} failed its check {check.check_name}: {_one_line(shown)}{expected}"


def _observation(event: Event, day: str) -> str | None:
    observation = event.asset_observation_data.asset_observation
    facts = {name: value.value for name, value in observation.metadata.items()}
    if "skipped" in facts:
        asset = observation.asset_key.to_user_string()
        return f"{observation.partition or day}: {asset} was not trained: {_one_line(str(facts['skipped']))}"
    if "rolled_back" in facts:
        return (
            f"{observation.partition}: champion {facts['rolled_back']} was rolled back to {facts['champion']} of "
            f"{facts['of']}: {_one_line(str(facts['reason']))}"
        )
    return None


def _decision(event: Event, day: str) -> str | None:
    materialization = event.step_materialization_data.materialization
    facts = {name: value.value for name, value in materialization.metadata.items()}
    if facts.get("verdict") not in DECIDED:
        return None
    reason = str(facts.get("reasons", "")).removeprefix("- ").split("\n- ")[0]
    kept = "" if facts["verdict"] == "REJECT" or facts.get("champion_changed") else " (the champion stays)"
    asset = materialization.asset_key.to_user_string()
    decided = f"{asset} is {facts['verdict']} of {facts['adapter']}{kept}"
    return f"{materialization.partition or day}: {decided}: {_one_line(reason)}"


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= MAX_CHARACTERS else f"{flat[:MAX_CHARACTERS]}…"


MESSAGES: dict[dg.DagsterEventType, Callable[[Event, str], str | None]] = {
    dg.DagsterEventType.STEP_FAILURE: _failure,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION: _check,
    dg.DagsterEventType.ASSET_OBSERVATION: _observation,
    dg.DagsterEventType.ASSET_MATERIALIZATION: _decision,
}
