"""Which arms may answer a call, in order, and which of them are worth asking now.

An arm or replica that failed five times in a row is not asked for 30 s; then one call tries it.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rl_assets.serving.drawing import Choice, draw, named
from rl_assets.serving.names import BASE
from rl_assets.serving.routing import Arm, Routing

AUTO = "auto"
OPENS_AFTER, OPEN_S = 5, 30.0
FALLBACK_ROLES = ("champion", "base", "external")
Replica = tuple[str, str]  # an arm's name and a URL


def choose(routing: Routing, model: str | None, conversation: str, segment: str | None, category: str | None) -> Choice:
    """The arm that the caller named (by the arm's name, or that of its adapter, or `base`), else one that is drawn."""
    arm = named_arm(routing, model)
    return named(routing, arm) if arm else draw(routing, conversation, segment, category)


def named_arm(routing: Routing, model: str | None) -> str | None:
    """The arm of that name, or the first that serves the adapter of that name; None for `auto` and unknown names."""
    if model is None or model == AUTO:
        return None
    if model in routing.arms:
        return model
    serving = [name for name, arm in sorted(routing.arms.items()) if arm.role != "external"]
    return next((name for name in serving if (routing.arms[name].adapter or BASE) == model), None)


def in_order(routing: Routing, assigned: str, segment: str | None, category: str | None) -> list[str]:
    """The assigned arm and those that are asked when it does not answer, each once.

    By default these are the champion, the base and external arms; never the champion of a segment that is not the
    caller's.
    """
    arm = routing.arms[assigned]
    if arm.fallback:
        return [assigned, *(name for name in dict.fromkeys(arm.fallback) if name != assigned)]
    own = [*routing.shares_of(segment, category), *routing.shares_of(None, None)]
    nearby = [name for name in dict.fromkeys([*own, *sorted(routing.arms)]) if name != assigned]
    return [assigned, *(name for role in FALLBACK_ROLES for name in nearby if _may(routing, name, role, own))]


def _may(routing: Routing, name: str, role: str, own: list[str]) -> bool:
    return routing.arms[name].role == role and (role != "champion" or name in own)


@dataclass
class Health:
    """What is known of each replica: failures in a row, since when it is not asked, and its calls under way."""

    clock: Callable[[], float] = time.monotonic
    failures: Counter[Replica] = field(default_factory=Counter)
    opened: dict[Replica, float] = field(default_factory=dict)
    under_way: Counter[Replica] = field(default_factory=Counter)

    def replicas(self, name: str, arm: Arm) -> Iterator[str]:
        """URLs that may be asked now, those with the fewest calls under way first."""
        for url in sorted(arm.urls, key=lambda url: self.under_way[name, url]):
            if self._may_ask((name, url)):
                yield url

    def is_open(self, name: str, arm: Arm) -> bool:
        """Whether the arm's circuit is open: none of its replicas is asked."""
        return not any(self._is_due((name, url)) for url in arm.urls)

    def succeeded(self, name: str, url: str) -> None:
        """The replica began to answer."""
        self.failures.pop((name, url), None)
        self.opened.pop((name, url), None)

    def failed(self, name: str, url: str) -> None:
        """The replica did not answer; its circuit opens at the fifth time in a row, and again at each further one."""
        self.failures[name, url] += 1
        if self.failures[name, url] >= OPENS_AFTER:
            self.opened[name, url] = self.clock()

    def _is_due(self, replica: Replica) -> bool:
        return replica not in self.opened or self.clock() - self.opened[replica] >= OPEN_S

    def _may_ask(self, replica: Replica) -> bool:
        if not self._is_due(replica):
            return False
        if replica in self.opened:
            # This call tries it; others wait for what it finds.
            self.opened[replica] = self.clock()
        return True
