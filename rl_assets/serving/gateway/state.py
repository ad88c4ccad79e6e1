"""What the gateway's endpoints share: settings, the routing in force, health of arms, the log and its counters."""

import os
from collections import OrderedDict
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2

from rl_assets.core.home import Home
from rl_assets.serving.config import ServingFile
from rl_assets.serving.gateway.arms import Health
from rl_assets.serving.gateway.current_routing import CurrentRouting
from rl_assets.serving.gateway.metrics import Metrics
from rl_assets.serving.gateway.upstream import make_client
from rl_assets.serving.spool import Spool

MAX_REMEMBERED = 100_000


class Remembered:
    """The newest values by id: what was seen before is told from what is new."""

    def __init__(self, limit: int = MAX_REMEMBERED) -> None:
        self._values: OrderedDict[str, str] = OrderedDict()
        self._limit = limit

    def get(self, key: str) -> str | None:
        return self._values.get(key)

    def put(self, key: str, value: str = "") -> None:
        self._values[key] = value
        if len(self._values) > self._limit:
            self._values.popitem(last=False)


@dataclass
class GatewayState:
    """One gateway. `token` is what callers must send, if it is set."""

    home: Home
    serving: ServingFile
    spool: Spool
    token: str | None = None
    routing: CurrentRouting = field(init=False)
    health: Health = field(default_factory=Health)
    metrics: Metrics = field(default_factory=Metrics)
    client: httpx2.AsyncClient = field(default_factory=make_client)
    feedback_seen: Remembered = field(default_factory=Remembered)
    ids_seen: Remembered = field(default_factory=Remembered)

    def __post_init__(self) -> None:
        self.routing = CurrentRouting(self.home)

    def interaction_id(self, asked_for: str | None) -> str:
        """A new id, or the caller's; one that is repeated, as by a client's retry, gets a number."""
        if asked_for is None:
            return uuid4().hex
        number, name = int(self.ids_seen.get(asked_for) or 0) + 1, asked_for
        while number > 1 and self.ids_seen.get(name := f"{asked_for}-{number}") is not None:
            number += 1
        self.ids_seen.put(asked_for, str(number))
        if name != asked_for:
            self.ids_seen.put(name, "1")
        return name

    def problems(self) -> list[str]:
        """What an operator should know of now."""
        found = [self.routing.problem, self.routing.stale, self.spool.problem]
        routing = self.routing.value
        if routing:
            missing = {arm.token_env for arm in routing.arms.values() if arm.token_env} - os.environ.keys()
            found += [f"the environment lacks {name}, the key of an arm" for name in sorted(filter(None, missing))]
            open_arms = [name for name, arm in routing.arms.items() if self.health.is_open(name, arm)]
            found += [f"arm {name} failed again and again, and is not asked for now" for name in sorted(open_arms)]
        return [problem for problem in found if problem]
