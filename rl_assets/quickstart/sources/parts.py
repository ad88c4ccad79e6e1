"""The embedded task's log: synthetic questions about a parts manual, answered by agents good and bad."""

from collections.abc import Iterator
from datetime import datetime

from rl_assets.models.tiny.parts_manual import SEGMENT
from rl_assets.quickstart.assigned import DAYS
from rl_assets.quickstart.landing_files import Entry
from rl_assets.quickstart.parts_traffic import parts_log

SEED = 0


def entries() -> Iterator[Entry]:
    """Interactions and the verifier's rewards, each in the file of the day that its timestamp names."""
    log = parts_log(DAYS, SEED)
    for format_name, rows in (("interaction_log", log.interactions), ("reward_log", log.rewards)):
        for row in rows:
            yield Entry(format_name, SEGMENT, datetime.fromisoformat(row["timestamp"]), row)
