"""What people may be asked about: drawn pairs of the review queue, items of the active learning queue, and the newest
rated answers and pairs of them.

Read once per version of the lake's tables. Texts are read when they are shown, with personal data replaced.
"""

import hmac
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from typing import Any, Literal

import duckdb

from rl_assets.core import sql
from rl_assets.core.blank import is_blank
from rl_assets.core.chat import Message
from rl_assets.core.home import Home
from rl_assets.evaluation.review.files import read_queue
from rl_assets.features.redaction import register_clean
from rl_assets.lake.delta import Lake
from rl_assets.lake.duckdb_views import register_view
from rl_assets.lake.table_versions import TableVersions, Versions
from rl_assets.service.acts import ID_CHARACTERS, TEXT_CHARACTERS, item_of, unstorable
from rl_assets.tables.active_learning_queue import ACTIVE_LEARNING_QUEUE
from rl_assets.tables.features import REDACTIONS
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import INTERACTIONS
from rl_assets.tables.review_queue import REVIEW_QUEUE

Mode = Literal["rate", "compare"]
MAX_ITEMS = 5_000  # of one brand, task and mode
PAIRS_PER_PROMPT = 2
OVERLAP = 0.1
KEPT_TEXTS = 1_000
WATCHED = (RATED_INTERACTIONS, INTERACTIONS, REDACTIONS, REVIEW_QUEUE, ACTIVE_LEARNING_QUEUE)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One answer to rate, or two to compare. `key` names it where people can see it: an id may tell who answered.

    `days` are those on which the answers landed. A pair of the review queue has its line, which holds its texts.
    """

    key: str
    mode: Mode
    brand: str | None
    task: str | None
    ids: tuple[str, ...]
    days: tuple[date, ...] = ()
    line: Row | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The item as acts name it."""
        return item_of(*self.ids)

    @property
    def is_shared(self) -> bool:
        """Whether a second person gets it too, so that agreement is known: so for one item in ten."""
        return int(self.key[:8], 16) < OVERLAP * 16**8


@dataclass(frozen=True)
class Texts:
    """What a person reads of an item: the conversation, retrieved context, and one or two answers."""

    prompt: tuple[Message, ...]
    context: str | None
    answers: tuple[str, ...]


class Items:
    """The items of a home, read again when a table of the lake has a new version. Threads may share it."""

    def __init__(self, home: Home, session_key: bytes, memory_limit: str) -> None:
        self._home, self._session_key, self._memory_limit = home, session_key, memory_limit
        self._lake = Lake(home.lake_url)
        self._newest = TableVersions(self._lake, WATCHED)
        self._lock = Lock()
        self._versions: Versions | None = None
        self._items: tuple[Item, ...] = ()
        self._by_key: dict[str, Item] = {}
        self._texts: OrderedDict[str, Texts] = OrderedDict()

    def all(self) -> tuple[Item, ...]:
        """All items in the order in which people are asked: the review queue, the active learning queue, all others."""
        with self._lock:
            versions = self._newest.newest()
            if versions != self._versions:
                queued = self._queued()
                known = {item.key for item in queued}
                logged = [item for item in self._logged() if item.key not in known]
                self._items = (*self._review_pairs(), *queued, *logged)
                self._by_key = {item.key: item for item in self._items}
                self._texts.clear()
                self._versions = versions
            return self._items

    @property
    def versions(self) -> Versions | None:
        """The versions of the lake's tables that the items were read from."""
        return self._versions

    def find(self, key: str) -> Item | None:
        """The item of that key, or None if there is none (any more)."""
        self.all()
        return self._by_key.get(key)

    def texts(self, item: Item, upcoming: Iterable[Item] = ()) -> Texts | None:
        """The texts of an item, or None if they were erased or no act can hold them; those of `upcoming` items are read
        along with them."""
        if item.line is not None:
            first, second = item.line["first_output"], item.line["second_output"]
            shown = Texts(tuple(item.line["prompt"]), None, (first, second))
            return shown if _can_be_kept(item, shown) else None
        with self._lock:
            if item.key not in self._texts:
                wanted = [item, *(other for other in upcoming if other.line is None and other.key not in self._texts)]
                self._texts.update(self._read_texts(wanted))
                while len(self._texts) > KEPT_TEXTS:
                    self._texts.popitem(last=False)
            return self._texts.get(item.key)

    def key(self, mode: Mode, *ids: str) -> str:
        """The key of an item, whether or not there is one."""
        named = "\x1f".join((mode, *ids)).encode("utf-8", "replace")
        return hmac.digest(self._session_key, named, "sha256").hex()[:24]

    def _logged(self) -> list[Item]:
        days = self._lake.days(RATED_INTERACTIONS)
        if not days:
            return []
        connection = sql.connect(self._memory_limit)
        register_view(connection, "rated", self._lake, RATED_INTERACTIONS, days[-1:])
        sql.create_table(connection, "answers", "service/answers", max_answers=MAX_ITEMS)
        answers = connection.sql("SELECT interaction_id, landed_day, task, segment FROM answers").fetchall()
        pairs = sql.select(connection, "service/pairs", max_pairs=MAX_ITEMS, per_prompt=PAIRS_PER_PROMPT)
        columns = "segment, task, first_id, first_day, second_id, second_day"
        return [
            *(
                Item(self.key("rate", name), "rate", segment, task, (name,), (day,))
                for name, day, task, segment in answers
            ),
            *(
                Item(self.key("compare", *ids), "compare", segment, task, ids, days)
                for segment, task, ids, days in _pairs(pairs.select(columns).fetchall())
            ),
        ]

    def _queued(self) -> list[Item]:
        """The newest active learning queue, its lanes mixed, so that any number of answers serves all of them."""
        days = self._lake.days(ACTIVE_LEARNING_QUEUE)
        rows = self._lake.read(ACTIVE_LEARNING_QUEUE, days[-1:]).to_table().to_pylist()
        return [self._queued_item(row) for row in sorted(rows, key=lambda row: self.key("rate", row["item_id"]))]

    def _queued_item(self, row: Row) -> Item:
        """A row's item, named as the same pair or answer of the log is; who sees which answer first is drawn later."""
        sides = [(row[f"{side}_id"], row[f"{side}_day"]) for side in ("first", "second") if row[f"{side}_id"]]
        ids, days = zip(*sorted(sides), strict=True)
        mode: Mode = "compare" if len(ids) == 2 else "rate"
        return Item(self.key(mode, *ids), mode, row["segment"], row["task"], ids, days)

    def _review_pairs(self) -> list[Item]:
        """The drawn pairs of each segment's present epoch."""
        days = self._lake.days(REVIEW_QUEUE)
        columns = ["day", "segment", "epoch"]
        rows = self._lake.read(REVIEW_QUEUE, days).to_table(columns=columns).to_pylist()
        newest = {row["segment"]: row["epoch"] for row in sorted(rows, key=lambda row: row["day"])}
        nights = sorted(
            {(str(row["day"]), row["segment"]) for row in rows if row["epoch"] == newest[row["segment"]]},
            key=lambda night: (night[0], night[1] or ""),
        )
        found = {
            line["interaction_id"]: Item(
                self.key("compare", line["interaction_id"]),
                "compare",
                segment,
                None,
                (line["interaction_id"],),
                line=line,
            )
            for day, segment in nights
            for line in read_queue(self._home.reports(day, segment))
            # A blank text can be preferred in the file of the night, but is no line of the log.
            if not (is_blank(line["first_output"]) or is_blank(line["second_output"]))
        }
        return list(found.values())

    def _read_texts(self, items: Sequence[Item]) -> dict[str, Texts]:
        days = sorted({day for item in items for day in item.days})
        names = sorted({name for item in items for name in item.ids})
        connection = sql.connect(self._memory_limit)
        register_clean(connection, self._lake, days)
        rows = {row["interaction_id"]: row for row in _texts_of(connection, names)}
        found = {item: _shown([rows[name] for name in item.ids]) for item in items if set(item.ids) <= rows.keys()}
        return {item.key: texts for item, texts in found.items() if _can_be_kept(item, texts)}


def _pairs(rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, Any, tuple[str, str], tuple[date, date]]]:
    for segment, task, first, first_day, second, second_day in rows:
        yield segment, task, (first, second), (first_day, second_day)


def _texts_of(connection: duckdb.DuckDBPyConnection, names: list[str]) -> list[Row]:
    """The texts of these answers, as each landed first."""
    rows: list[Row] = (
        connection.sql(
            "SELECT interaction_id, prompt, answer, context FROM interactions "
            "WHERE list_contains($names, interaction_id) AND answer IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY day) = 1",
            params={"names": names},
        )
        .to_arrow_table()
        .to_pylist()
    )
    return rows


def _can_be_kept(item: Item, texts: Texts) -> bool:
    """Whether what is said of an item fits into acts: a preference holds both answers. A log may hold longer texts."""
    names = (*item.ids, item.brand or "", item.task or "")
    held = texts.answers if item.mode == "compare" else ()
    fit = max(map(len, names)) <= ID_CHARACTERS and all(len(text) <= TEXT_CHARACTERS for text in held)
    return fit and not any(unstorable(text) for text in (*names, *held))


def _shown(rows: Sequence[Row]) -> Texts:
    first = rows[0]
    return Texts(tuple(first["prompt"]), first["context"], tuple(row["answer"] for row in rows))
