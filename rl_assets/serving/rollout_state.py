"""What rollouts remember below `<home>/serving`: how many ended, and whether the routing in force was probed."""

import json
from pathlib import Path

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.serving.routing import Routing, read_routing

COUNT, PROBED, PREVIOUS = "rollouts.json", "probed.json", "previous_routing.json"


def count_rollout(home: Home) -> None:
    """Count a rollout that came to an end, well or not."""
    write_json(home.serving / COUNT, {"ended": ended_rollouts(home) + 1})


def ended_rollouts(home: Home) -> int:
    """How many rollouts of this home came to an end."""
    return _number(home.serving / COUNT, "ended")


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
