"""What `/rl/route` draws from: `routing.json`, else the shares that the router learned, read again when a file changes.

No request reads the lake, and only the first one after a change reads a file.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rl_assets.core.home import Home
from rl_assets.routing.categories import FACTUAL, RULES
from rl_assets.routing.choices import shares_at
from rl_assets.routing.config import read_router
from rl_assets.routing.learned import LearnedShares, read_learned
from rl_assets.service.errors import ServiceError
from rl_assets.serving.names import BASE, PRODUCT
from rl_assets.serving.routing import Routing, Shares, read_routing

logger = logging.getLogger(__name__)
LEARNED = "no routing is in force: drawn by the shares that were learned as of {day}, of every agent of the log"
Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True)
class RoutePolicy:
    """Shares by segment, category and arm, and the agent and adapter of each arm. `message` says where they are from,
    unless that is the routing in force."""

    salt: str
    policy_version: str
    shares: Mapping[str, Mapping[str, Shares]]
    arms: Mapping[str, tuple[str, str | None]]
    message: str | None = None

    def shares_of(self, segment: str | None, category: str | None) -> Shares:
        """What is drawn from for a segment and a category."""
        return shares_at(self.shares, segment, category)


@dataclass
class RoutePolicies:
    """The policy in force in a home. `router_file` is that of the setting `router`. Threads may share it."""

    home: Home
    router_file: Path | None = None
    _read: tuple[Stamp, RoutePolicy | None, frozenset[str]] | None = field(default=None, repr=False)

    def current(self) -> tuple[RoutePolicy | None, frozenset[str]]:
        """The policy, or None while nothing is routed or learned, and the categories that a caller may name.

        A file that is damaged keeps what it said last, as in the gateway; ServiceError (503) if it never said anything.
        """
        stamp = tuple(_stamp(path) for path in (self.home.routing, self.home.router / "shares.json", self.router_file))
        if self._read is None or self._read[0] != stamp:
            try:
                self._read = (stamp, self._policy(), self._categories())
            except (ValueError, FileNotFoundError) as error:
                if self._read is None:
                    raise ServiceError(503, str(error), headers={"Retry-After": "60"}) from error
                logger.warning("drawn as before: %s", error)
                self._read = (stamp, *self._read[1:])
        return self._read[1], self._read[2]

    def _policy(self) -> RoutePolicy | None:
        if routing := read_routing(self.home):
            return of_routing(routing)
        learned = read_learned(self.home)
        return of_learned(learned) if learned and learned.shares.get(PRODUCT) else None

    def _categories(self) -> frozenset[str]:
        """Those of the rules and of the router file, for which nothing may have been learned yet."""
        declared = read_router(self.router_file).categories if self.router_file else []
        return frozenset({*RULES, FACTUAL, *declared})


def of_routing(routing: Routing) -> RoutePolicy:
    """The routing in force, as the gateway draws by it."""
    arms = {name: (arm.agent, arm.adapter) for name, arm in routing.arms.items()}
    return RoutePolicy(routing.salt, routing.policy_version, routing.shares, arms)


def of_learned(learned: LearnedShares) -> RoutePolicy:
    """Learned shares: the arms are the product's own agents, with the adapter that their names hold."""
    names = {arm for categories in learned.shares.values() for shares in categories.values() for arm in shares}
    arms = {name: _agent_and_adapter(name) for name in names}
    return RoutePolicy(learned.salt, learned.policy_version, learned.shares, arms, LEARNED.format(day=learned.day))


def _agent_and_adapter(arm: str) -> tuple[str, str | None]:
    agent, _, adapter = arm.rpartition("@")
    return (agent, None if adapter == BASE else adapter) if agent else (arm, None)


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    """What changes with a file; None if there is none."""
    try:
        status = path.stat() if path else None
    except FileNotFoundError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None
