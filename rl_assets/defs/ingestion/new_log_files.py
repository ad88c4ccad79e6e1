"""The sensor that notices new log files. Comparing files is `rl_assets.ingest.landing`."""

import json
from datetime import UTC, datetime

import dagster as dg

from rl_assets.defs.shared.jobs import Requests, datasets_job
from rl_assets.defs.shared.partitions import SENSOR_SECONDS, days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.ingest.append_only_logs import land_new_lines
from rl_assets.ingest.landing import changed_days, day_fingerprints, fingerprints_to_remember

# A tick that asked for years of history at once would take minutes; the others are asked for by the next ones.
MOST_DAYS = 25
SAME = "no log day has changed"


@dg.sensor(
    job=datasets_job,
    minimum_interval_seconds=SENSOR_SECONDS,
    description="Asks for the days whose log files changed, and lands new lines of append-only logs.",
)
def new_log_files(context: dg.SensorEvaluationContext, home: HomeResource) -> Requests:
    """Lands new lines of append-only logs, and asks for exactly the days whose files changed.

    The run key is the state of a day's files, so a lost cursor asks for nothing twice.
    """
    landing = home.paths.landing
    if not landing.is_dir():
        yield dg.SkipReason(f"there is no landing folder {landing} yet")
        return
    land_new_lines(landing, datetime.now(UTC).date())
    now, before = day_fingerprints(landing), json.loads(context.cursor or "{}")
    changed = changed_days(now, before)
    outside = [day for day in changed if not days.has_partition_key(day)]
    known = [day for day in changed if day not in outside]
    if not known:
        yield dg.SkipReason(f"no log day has changed; {len(outside)} lie outside the partitions" if outside else SAME)
    for day in known[:MOST_DAYS]:
        yield dg.RunRequest(run_key=f"{day}-{now.get(day, 'gone')}", partition_key=day)
    # A day of tomorrow, by a clock ahead of ours, is a partition tomorrow.
    context.update_cursor(json.dumps(fingerprints_to_remember(now, before, waiting=[*known[MOST_DAYS:], *outside])))
