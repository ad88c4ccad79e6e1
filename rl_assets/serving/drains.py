"""Adapters that are loaded and no longer routed: kept until the answers that they began have ended, then unloaded."""

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from rl_assets.core.files import write_json
from rl_assets.core.home import Home

FILE = "draining.json"
CONTENT_NAME = re.compile(r"[^\s/]+--(sft|dpo|kto|grpo|ppo|reward)-[0-9a-f]{12}")


def content_names(names: Collection[str]) -> set[str]:
    """Those that this project gave: only they are ever unloaded."""
    return {name for name in names if CONTENT_NAME.fullmatch(name)}


def read_draining(home: Home) -> dict[str, datetime]:
    """When each draining name was first seen loaded and not routed."""
    path = home.serving / FILE
    if not path.is_file():
        return {}
    return {name: datetime.fromisoformat(at) for name, at in json.loads(path.read_text(encoding="utf-8")).items()}


def update_draining(home: Home, loaded: Collection[str], routed: Collection[str], now: datetime) -> dict[str, datetime]:
    """Begin to drain what is loaded and not routed, and forget what is routed again or gone; returns what drains."""
    before = read_draining(home)
    draining = {name: before.get(name, now) for name in sorted(content_names(loaded) - set(routed))}
    if draining != before:
        write_json(home.serving / FILE, {name: at.isoformat() for name, at in draining.items()})
    return draining


def drained(draining: Mapping[str, datetime], now: datetime, minutes: float) -> list[str]:
    """The names whose time is over, the least recently routed first."""
    over = [name for name, since in draining.items() if now - since >= timedelta(minutes=minutes)]
    return sorted(over, key=lambda name: (draining[name], name))
