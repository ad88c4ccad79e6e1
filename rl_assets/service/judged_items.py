"""Who judged which item, in memory: new events change what they are about, and all is read again every five minutes."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from rl_assets.service.act_rows import Raters
from rl_assets.service.store import Store

# Others may commit late: an event with a lower number than the newest, or none that this process would notice.
LATE = timedelta(seconds=2)
LATE_ACTS = 200
# Erased raters are forgotten by then.
READ_AGAIN = timedelta(minutes=5)


class JudgedItems:
    """The raters of each item, each with the kinds of their acts that stand. Not for several threads at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._raters: Raters = {}
        self._read_at: datetime | None = None
        self._state: tuple[int, datetime] | None = None

    @property
    def state(self) -> object:
        """Another one as soon as the raters may have changed."""
        return self._state

    def raters(self) -> Mapping[str, Mapping[str, set[str]]]:
        """Who judged what, as of now."""
        newest, now = self._store.newest_act(), self._store.now()
        if self._read_at is None or now - self._read_at >= READ_AGAIN:
            self._raters, self._read_at, self._state = self._store.raters_by_item(), now, (newest, now)
        elif self._state and (newest != self._state[0] or now - self._state[1] >= LATE):
            self._update(self._state[0] - LATE_ACTS)
            self._state = newest, now
        return self._raters

    def _update(self, number: int) -> None:
        items = self._store.items_judged_after(number)
        current = self._store.raters_by_item(items)
        for item in items:
            if item in current:
                self._raters[item] = current[item]
            else:
                self._raters.pop(item, None)
