"""What rollouts remember below `<home>/serving`: how many there were, and whether the routing in force was probed.

A rollout that was killed, or broken off by an error that it does not know, has begun and not ended. The next one is due
after two minutes, and after twice as long each further time, up to an hour.
"""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.serving.routing import Routing, read_routing

COUNT, PROBED, PREVIOUS, LOCK = "rollouts.json", "probed.json", "previous_routing.json", "rollout.lock"
LONGEST_PAUSE_MINUTES = 60


@contextmanager
def only_rollout(home: Home, log: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other process rolls out on this home, and keep others waiting; the lock of a killed one is free."""
    home.serving.mkdir(parents=True, exist_ok=True)
    with (home.serving / LOCK).open("ab") as file:
        if not _take(file.fileno()):
            log("another rollout is under way: waiting for its end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_under_way(home: Home) -> bool:
    """Whether a process rolls out on this home."""
    try:
        with (home.serving / LOCK).open("rb") as file:
            return not _take(file.fileno())
    except FileNotFoundError:
        return False


def _take(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def begin_rollout(home: Home, now: datetime) -> None:
    """Count a rollout that begins."""
    counts = _counts(home)
    broken = counts.get("broken", 0) + 1
    begun = {"begun": counts.get("begun", 0) + 1, "begun_at": now.isoformat(), "broken": broken}
    write_json(home.serving / COUNT, counts | begun)


def count_rollout(home: Home) -> None:
    """Count a rollout that came to an end, well or not."""
    counts = _counts(home)
    write_json(home.serving / COUNT, counts | {"ended": counts.get("ended", 0) + 1, "broken": 0})


def rollouts(home: Home) -> tuple[int, int]:
    """How many rollouts of this home began, and how many came to an end."""
    counts = _counts(home)
    return counts.get("begun", 0), counts.get("ended", 0)


def next_attempt(home: Home) -> datetime | None:
    """When to try again after rollouts that were broken off; None if the last one came to its end."""
    counts = _counts(home)
    if not counts.get("broken"):
        return None
    minutes = min(2 ** min(counts["broken"], 10), LONGEST_PAUSE_MINUTES)
    return datetime.fromisoformat(counts["begun_at"]) + timedelta(minutes=minutes)


def _counts(home: Home) -> dict[str, Any]:
    path = home.serving / COUNT
    counts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return counts


def keep_previous(home: Home, routing: Routing | None) -> None:
    """Keep the routing that a commit is about to replace, to restore it if the probe of the new one fails."""
    path = home.serving / PREVIOUS
    if routing is None:
        path.unlink(missing_ok=True)
    else:
        write_json(path, routing.model_dump(mode="json"))


def previous_routing(home: Home) -> Routing | None:
    """The routing before the one in force."""
    path = home.serving / PREVIOUS
    return Routing.model_validate_json(path.read_bytes()) if path.is_file() else None


def mark_probed(home: Home, version: int) -> None:
    """Remember that the arms of a version were asked for through the gateway, or that none runs."""
    write_json(home.serving / PROBED, {"version": version})


def needs_probe(home: Home) -> bool:
    """Whether the rollout that committed the routing in force was killed before it had probed it."""
    routing = read_routing(home)
    return routing is not None and _number(home.serving / PROBED, "version") < routing.version


def _number(path: Path, key: str) -> int:
    return int(json.loads(path.read_text(encoding="utf-8"))[key]) if path.is_file() else 0
