"""How often somebody may ask: counted within one worker of the service, over a sliding window."""

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rl_assets.service.clock import Clock, utc_now

# Beyond this many callers, those without a request in their window are forgotten.
MAX_CALLERS = 10_000


@dataclass(frozen=True)
class Rate:
    """At most `limit` requests within `seconds`."""

    limit: int
    seconds: float


ACTS = Rate(60, 60)
REQUESTS = Rate(100, 1)
FAILED_KEYS = Rate(10, 60)


@dataclass
class Rates:
    """The last requests of each caller of each rate."""

    clock: Clock = utc_now
    _times: dict[tuple[Rate, str], deque[datetime]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_of(self, rate: Rate, caller: str) -> float:
        """Seconds until the caller may ask again; 0 if they may now. Counts nothing."""
        with self._lock:
            return self._wait(rate, self._recent(rate, caller))

    def count(self, rate: Rate, caller: str) -> float:
        """As `wait_of`, and counts a request that is let through."""
        with self._lock:
            times = self._recent(rate, caller)
            wait = self._wait(rate, times)
            if wait == 0:
                times.append(self.clock())
            return wait

    def _recent(self, rate: Rate, caller: str) -> deque[datetime]:
        if len(self._times) > MAX_CALLERS:
            self._forget()
        times = self._times.setdefault((rate, caller), deque())
        oldest = self.clock() - timedelta(seconds=rate.seconds)
        while times and times[0] <= oldest:
            times.popleft()
        return times

    def _wait(self, rate: Rate, times: deque[datetime]) -> float:
        if len(times) < rate.limit:
            return 0
        return max(0.001, rate.seconds - (self.clock() - times[0]).total_seconds())

    def _forget(self) -> None:
        now = self.clock()
        for (rate, caller), times in list(self._times.items()):
            if not times or times[-1] <= now - timedelta(seconds=rate.seconds):
                del self._times[rate, caller]
