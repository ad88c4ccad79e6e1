"""Which item a person is asked about next.

Not what they judged or skipped before; the fewest raters first; one item in ten goes to a second person, the others to
one. What somebody else has on their screen is leased to them for ten minutes.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock

from rl_assets.service.items import Item, Items, Mode
from rl_assets.service.judged_items import JudgedItems
from rl_assets.service.rater_rows import Rater
from rl_assets.service.store import Store

CACHED_RATERS = 200
UPCOMING = 10
SKIP_ONLY = {"skip"}


@dataclass(frozen=True)
class Filter:
    """What somebody wants to see: all brands and tasks if None, answers without one if ""."""

    mode: Mode
    brand: str | None = None
    task: str | None = None

    def matches(self, item: Item) -> bool:
        return (
            item.mode == self.mode
            and (self.brand is None or self.brand == (item.brand or ""))
            and (self.task is None or self.task == (item.task or ""))
        )


@dataclass(frozen=True)
class View:
    """The items of one person: those that are left, in order, and those that they judged."""

    left: tuple[Item, ...]
    done: tuple[Item, ...]


@dataclass(frozen=True)
class Next:
    """The next item, which is leased now, with those that follow; and how many are done and left."""

    item: Item | None
    upcoming: tuple[Item, ...]
    done: int
    left: int


class Queue:
    """The queue on the items of a home and the acts of a database. Threads may share it."""

    def __init__(self, items: Items, store: Store) -> None:
        self._items, self._store = items, store
        self._lock = Lock()
        self._judged = JudgedItems(store)
        self._views: OrderedDict[str, tuple[object, View]] = OrderedDict()

    def view(self, rater: Rater) -> View:
        """What is left and done for a rater, of their brand only if they have one."""
        items = self._items.all()
        with self._lock:
            raters = self._judged.raters()
            state = (self._items.versions, rater.brand, self._judged.state)
            if (cached := self._views.get(rater.rater)) and cached[0] == state:
                return cached[1]
            view = _view(items, raters, rater)
            self._views[rater.rater] = state, view
            self._views.move_to_end(rater.rater)
            while len(self._views) > CACHED_RATERS:
                self._views.popitem(last=False)
            return view

    def next(self, rater: Rater, wanted: Filter, passed: frozenset[str] = frozenset()) -> Next:
        """Lease the next item to the rater; what they have already comes first. `passed` are keys not to give."""
        view = self.view(rater)
        left = [item for item in view.left if wanted.matches(item) and item.key not in passed]
        done = sum(map(wanted.matches, view.done))
        for at, item in enumerate(self._in_order(rater, left)):
            if self._store.lease(item.key, rater.rater):
                following = [other for other in left[: at + UPCOMING + 1] if other.key != item.key]
                return Next(item, tuple(following[-UPCOMING:]), done, len(left))
        return Next(None, (), done, len(left))

    def all_items(self) -> tuple[Item, ...]:
        return self._items.all()

    def _in_order(self, rater: Rater, left: list[Item]) -> Iterator[Item]:
        own = self._store.leased_by(rater.rater)
        others = self._store.leased_to_others(rater.rater)
        yield from (item for item in left if item.key in own)
        yield from (item for item in left if item.key not in own and item.key not in others)


def _view(items: tuple[Item, ...], raters: Mapping[str, Mapping[str, set[str]]], rater: Rater) -> View:
    first: list[Item] = []
    second: list[Item] = []
    done: list[Item] = []
    for item in items:
        if rater.brand is not None and item.brand != rater.brand:
            continue
        known = raters.get(item.name, {})
        if rater.rater in known:
            if known[rater.rater] - SKIP_ONLY:
                done.append(item)
            continue
        judged = sum(bool(kinds - SKIP_ONLY) for kinds in known.values())
        if judged == 0:
            first.append(item)
        elif judged == 1 and item.is_shared:
            second.append(item)
    return View((*first, *second), tuple(done))
