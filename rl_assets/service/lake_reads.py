"""What the REST routes read of the lake: the newest rated answers and what landed. One read at a time in a worker, so
that DuckDB's memory limit holds; replies are kept until a table has a new version."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from threading import Lock
from typing import Any, TypeVar

import duckdb

from rl_assets.core import sql
from rl_assets.datasets.ratings import Window, rated_as_of
from rl_assets.features.redaction import register_clean
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.routing.categories import create_category_macro
from rl_assets.settings import Settings
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS

WATCHED = (INTERACTIONS, FEEDBACK, RATED_INTERACTIONS)
KEPT_REPLIES = 100
Value = TypeVar("Value")


@dataclass(frozen=True)
class Selection:
    """Which of the newest rated answers: those of the last `days` before the newest rated day, of a brand (segment), of
    agents, of a split; None is all."""

    days: int | None = None
    brand: str | None = None
    agents: tuple[str, ...] | None = None
    split: str | None = None


@dataclass
class LakeReads:
    """Reads of a deployment's lake. Threads may share it."""

    lake: Lake
    memory_limit: str
    window_days: int | None
    _lock: Lock = field(default_factory=Lock, repr=False)
    _replies: OrderedDict[Any, Any] = field(default_factory=OrderedDict, repr=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> "LakeReads":
        return cls(Lake(settings.paths.lake_url), settings.duckdb_memory_limit, settings.window_days)

    def rated_day(self) -> date | None:
        """The newest day as of which answers are rated; None before the first one."""
        return next(reversed(self.lake.days(RATED_INTERACTIONS)), None)

    def landed_day(self) -> date | None:
        """The newest day on which answers landed."""
        return next(reversed(self.lake.days(INTERACTIONS)), None)

    @contextmanager
    def rated(self, selection: Selection) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for dataset builders, whose `rated` are the selected answers; none before the first day."""
        day = self.rated_day()
        window = Window(day or date.min, self.window_days if day else 1)
        with self._lock, closing(rated_as_of(self.lake, window, self.memory_limit)) as connection:
            register_view(connection, "newest_rated", self.lake, RATED_INTERACTIONS, [day] if day else [])
            connection.execute("DROP VIEW rated")
            sql.create_table(
                connection,
                "rated",
                "service/selected_ratings",
                first=day - timedelta(days=selection.days - 1) if day and selection.days else None,
                brand=selection.brand,
                agents=list(selection.agents) if selection.agents is not None else None,
                split=selection.split,
            )
            yield connection

    @contextmanager
    def landed(self, first: date | None = None, last: date | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with `interactions` of log days, personal data replaced, and `newest_rated`."""
        days = [day for day in self.lake.days(INTERACTIONS) if (first or day) <= day <= (last or day)]
        rated = self.rated_day()
        with self._lock, closing(sql.connect(self.memory_limit)) as connection:
            register_clean(connection, self.lake, days)
            register_view(connection, "newest_rated", self.lake, RATED_INTERACTIONS, [rated] if rated else [])
            yield connection

    @contextmanager
    def routed(self, day: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with `newest_rated` as of a day and `interactions` from its window on, as the router counts
        them; no text of them may leave it."""
        window = Window(date.fromisoformat(day), self.window_days)
        days = [each for each in self.lake.days(INTERACTIONS) if each >= window.first_landing]
        with self._lock, closing(sql.connect(self.memory_limit)) as connection:
            create_category_macro(connection)
            register_view(connection, "interactions", self.lake, INTERACTIONS, days)
            rated = [each for each in self.lake.days(RATED_INTERACTIONS) if str(each) == day]
            register_view(connection, "newest_rated", self.lake, RATED_INTERACTIONS, rated)
            yield connection

    def remembered(self, key: Any, read: Callable[[], Value]) -> Value:
        """What `read` gives, kept under the key while no table that it may depend on has a new version."""
        tables = [self.lake.open(table) for table in WATCHED]
        versioned = (key, tuple(table.version() if table else None for table in tables))
        if versioned in self._replies:
            value: Value = self._replies[versioned]
            return value
        value = read()
        self._replies[versioned] = value
        while len(self._replies) > KEPT_REPLIES:
            self._replies.popitem(last=False)
        return value
