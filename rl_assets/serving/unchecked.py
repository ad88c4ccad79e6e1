"""Routed adapters that a server was given again and that were not compared since, as after a killed rollout."""

import json

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.serving.routing import Routing

UNCHECKED = "unchecked.json"
# Content name, endpoint and URL, as `routing.json` has them.
Place = tuple[str, str, str]


def routed_places(routing: Routing | None) -> set[Place]:
    """Everything that was checked before it was routed."""
    arms = routing.arms.values() if routing else ()
    return {(arm.adapter, arm.endpoint, url) for arm in arms if arm.adapter for url in arm.urls}


def mark_unchecked(home: Home, places: set[Place]) -> None:
    """Remember these places, and no others."""
    path = home.serving / UNCHECKED
    if places:
        write_json(path, sorted(places))
    else:
        path.unlink(missing_ok=True)


def unchecked(home: Home) -> set[Place]:
    """The places that are still to be checked."""
    path = home.serving / UNCHECKED
    places = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return {(name, endpoint, url) for name, endpoint, url in places}
