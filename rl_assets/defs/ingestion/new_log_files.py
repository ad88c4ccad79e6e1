"""The sensor that notices new log files. Comparing files is `rl_assets.ingest`, in `landing` and `changes`."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from rl_assets.core.files import sha256_json
from rl_assets.defs.shared.failed_runs import RANGE_END, RANGE_START
from rl_assets.defs.shared.jobs import Requests, datasets_job
from rl_assets.defs.shared.partitions import MAX_DAYS_PER_RUN, SENSOR_SECONDS, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.ingest.append_only_logs import land_new_lines
from rl_assets.ingest.changes import compare_with_ingested, consecutive
from rl_assets.ingest.day import few_names
from rl_assets.ingest.landing import (
    changed_days,
    check_not_emptied,
    day_fingerprints,
    fingerprints_to_remember,
    undated_others,
)
from rl_assets.service.database import StoreError
from rl_assets.tables.records import INGESTED_FILES

# A tick that requested years of single days at once would take minutes; the others are requested by the next ones.
MAX_RUNS = 25
# Fewer days than this in a row get a run each, so that a bad day fails alone; more are faster in one.
MIN_RANGE_DAYS = 4
MAX_RANGE_DAYS = MAX_DAYS_PER_RUN or 31


@dg.sensor(
    job=datasets_job,
    minimum_interval_seconds=SENSOR_SECONDS,
    description="Requests the days whose log files changed, after landing new lines of append-only logs and what waits "
    "in the feedback service.",
)
def new_log_files(context: dg.SensorEvaluationContext, home: HomeResource) -> Requests:
    """Lands new lines of append-only logs and what waits in the feedback service, then requests exactly the days whose
    files changed.

    A day that the cursor does not know is compared with what was ingested of it. Many days in a row share a run. The
    run key is the state of the days' files, so a lost cursor requests nothing twice. A day whose files are gone keeps
    its tables, and a landing folder that lost all its files fails the tick.
    """
    notices = _land_service_rows(home)
    landing, before = home.paths.landing, json.loads(context.cursor or "{}")
    known = [*before, *map(str, home.lake.days(INGESTED_FILES))]
    if not landing.is_dir():
        check_not_emptied(landing, {}, known)
        yield dg.SkipReason("; ".join([f"there is no landing folder {landing} yet", *notices]))
        return
    notices += land_new_lines(landing, datetime.now(UTC).date()).notices
    if isinstance(landing, Path) and (others := undated_others(landing)):
        notices.append(f"{len(others)} files have no day in their path and are no logs: {few_names(others)}")
    for notice in notices:
        context.log.warning(notice)
    now = day_fingerprints(landing)
    check_not_emptied(landing, now, known)
    if gone := [day for day in before if day not in now]:
        context.log.warning(_kept(gone))
    changed = [day for day in changed_days(now, before) if day in now]
    compared = compare_with_ingested(home.lake, landing, [day for day in changed if day not in before])
    changed = [day for day in changed if day not in {*compared.same, *compared.waiting}]
    outside = [day for day in changed if not days.has_partition_key(day)]
    runs = _runs([day for day in changed if day not in outside])
    if not runs:
        yield dg.SkipReason(_nothing_to_do(len(compared.waiting), len(outside), gone, notices))
    for stretch in runs[:MAX_RUNS]:
        yield _request(stretch, now)
    # A day of tomorrow, by a clock ahead of ours, is a partition tomorrow.
    waiting = [*outside, *compared.waiting, *(day for stretch in runs[MAX_RUNS:] for day in stretch)]
    context.update_cursor(json.dumps(fingerprints_to_remember(now, before, waiting)))


def _land_service_rows(home: HomeResource) -> list[str]:
    """Land what waits in the feedback service. If it is away its rows wait there, and other logs are noticed."""
    try:
        home.land_service_rows()
    except StoreError as error:
        return [f"the feedback service landed nothing: {error}"]
    return []


def _runs(changed: Sequence[str]) -> list[list[str]]:
    """The days of each run: many in a row together, others alone."""
    stretches = consecutive(changed, MAX_RANGE_DAYS)
    return [run for days in stretches for run in ([days] if len(days) >= MIN_RANGE_DAYS else [[day] for day in days])]


def _request(stretch: list[str], now: Mapping[str, str]) -> dg.RunRequest:
    states = {day: now[day] for day in stretch}
    if len(stretch) == 1:
        return dg.RunRequest(run_key=f"{stretch[0]}-{states[stretch[0]]}", partition_key=stretch[0])
    first, last = stretch[0], stretch[-1]
    return dg.RunRequest(run_key=f"{first}-{last}-{sha256_json(states)}", tags={RANGE_START: first, RANGE_END: last})


def _kept(gone: list[str]) -> str:
    return f"the files of {len(gone)} days are gone, the first is {gone[0]}: their tables are kept"


def _nothing_to_do(waiting: int, outside: int, gone: list[str], notices: list[str]) -> str:
    reasons = ["no log day has changed"]
    if gone:
        reasons.append(_kept(gone))
    if waiting:
        reasons.append(f"{waiting} are still to be compared with what was ingested")
    if outside:
        reasons.append(f"{outside} lie outside the partitions")
    return "; ".join([*reasons, *notices])
