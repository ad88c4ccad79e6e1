"""The queue as of a day: what is still open of the day before, and a batch that fills the lanes up again.

An item leaves when somebody answered it, when it is older than the window, and when an answer of it is gone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.annotation.active_learning.gains import LabelledItem, LaneReport, report_lanes
from rl_assets.annotation.active_learning.lanes import (
    BATCH,
    Candidate,
    Choice,
    Estimates,
    choose,
    estimate,
    quotas,
)
from rl_assets.annotation.active_learning.pairs import (
    Features,
    Labelled,
    is_reversed,
    item_id,
    prepare,
    read_candidates,
    read_compared,
)
from rl_assets.core import sql
from rl_assets.tables.active_learning_queue import ACTIVE_LEARNING_QUEUE, LANES

Row = dict[str, Any]
ITEMS = pa.schema([ACTIVE_LEARNING_QUEUE.schema.field(name) for name in ("item_id", "first_id", "second_id")])


@dataclass(frozen=True)
class QueueDay:
    """The rows of a day, what became of earlier items, what the heads rest on, and what the lanes' labels taught."""

    rows: list[Row]
    answered: int
    expired: int
    gone: int
    candidates: int
    compared: int
    has_heads: bool
    lanes: LaneReport

    @property
    def by_lane(self) -> dict[str, int]:
        """Open items of each lane."""
        counts = Counter(row["lane"] for row in self.rows)
        return {lane: counts[lane] for lane in LANES}

    def entered(self, day: date) -> int:
        """Items that entered on the day."""
        return sum(row["batch"] == day for row in self.rows)

    def reader(self) -> pa.RecordBatchReader:
        """The rows for publishing."""
        return pa.Table.from_pylist(self.rows, schema=ACTIVE_LEARNING_QUEUE.schema).to_reader()


def build_queue(
    connection: duckdb.DuckDBPyConnection,
    day: date,
    first: date | None,
    earlier: Sequence[Row],
    history: Sequence[Row],
    batch: int = BATCH,
) -> QueueDay:
    """The queue as of `day` on a connection of `rated_as_of`.

    `earlier` are the rows of the newest day before, `history` those of all days before; `first` is the first day of the
    window, before which items expire; None if it has no end.
    """
    prepare(connection)
    values = _answered(connection, history)
    known = {name for (name,) in connection.sql("SELECT interaction_id FROM rated").fetchall()}
    unanswered = [row for row in earlier if row["item_id"] not in values]
    current = [row for row in unanswered if first is None or row["batch"] >= first]
    carried = [
        {**row, "day": day} for row in current if {row["first_id"], row["second_id"] or row["first_id"]} <= known
    ]
    compared, found = read_compared(connection), read_candidates(connection)
    # What carried items ask is no candidate, and neither is what was answered in a way that leaves it open.
    taken = {row["item_id"] for row in carried} | values.keys()
    rows = [row for row in found if item_id(*_ids(row)) not in taken]
    items = _labelled_items(history, values)
    ids = {name for row in rows for name in _ids(row)} | {name for pair in compared for name in _sides(pair)}
    features = Features.read(connection, ids | {name for item in items for name in _sides(item.pair)})
    train = Labelled.of([pair for pair in compared if pair.split == "train"], features)
    estimates = _estimates(rows, features, train) if train.is_enough else None
    slots = _open_slots(carried, batch)
    chosen = choose(_candidates(rows), estimates, slots, [row["cluster_key"] for row in carried])
    new = [_item(rows[choice.index], choice, estimates, day) for choice in chosen]
    return QueueDay(
        rows=sorted([*carried, *new], key=lambda row: row["item_id"]),
        answered=len(earlier) - len(unanswered),
        expired=len(unanswered) - len(current),
        gone=len(current) - len(carried),
        candidates=len(rows),
        compared=len(train),
        has_heads=estimates is not None,
        lanes=report_lanes(items, compared, features),
    )


def _answered(connection: duckdb.DuckDBPyConnection, history: Sequence[Row]) -> dict[str, float]:
    """What people said of items, by item: 1 if the first is better or the single answer good, 0 if not."""
    items = pa.Table.from_pylist([{name: row[name] for name in ITEMS.names} for row in history], schema=ITEMS)
    connection.register("items", items.group_by(ITEMS.names).aggregate([]))
    labels = sql.select(connection, "annotation/active_learning/labels").fetchall()
    connection.unregister("items")
    return dict(labels)


def _labelled_items(history: Sequence[Row], values: Mapping[str, float]) -> list[LabelledItem]:
    """Pairs of the queue that people decided, each with the lane that chose it first."""
    first_seen: dict[str, Row] = {}
    for row in sorted(history, key=lambda row: row["day"]):
        first_seen.setdefault(row["item_id"], row)
    return [
        LabelledItem.of(row, values[name])
        for name, row in sorted(first_seen.items())
        if row["second_id"] is not None and values.get(name, 0.5) != 0.5
    ]


def _ids(row: Row) -> tuple[str, ...]:
    return (row["low_id"],) if row["high_id"] is None else (row["low_id"], row["high_id"])


def _sides(pair: Any) -> tuple[str, str]:
    return pair.low_id, pair.high_id


def _candidates(rows: Sequence[Row]) -> list[Candidate]:
    return [
        Candidate(
            key=item_id(*_ids(row)),
            cluster=row["cluster_key"] or row["prompt_key"],
            draw=row["draw"],
            is_pair=row["high_id"] is not None,
            signals=tuple(row["reasons"]),
            strength=row["strength"],
            is_rated=row["is_rated"],
        )
        for row in rows
    ]


def _estimates(rows: Sequence[Row], features: Features, train: Labelled) -> Estimates | None:
    """Parallel to the candidates; a single answer stands for a pair that does not differ."""
    # A text that is missing is one that was erased meanwhile, or whose record has none.
    pairs = [(row["low_id"], row["high_id"] or row["low_id"]) for row in rows]
    known = [pair if pair[0] in features and pair[1] in features else None for pair in pairs]
    if not rows or not any(known):
        return None
    stand_in = next(pair for pair in known if pair)[0]
    differences = features.differences([pair or (stand_in, stand_in) for pair in known])
    return estimate(train.ensemble(), differences)


def _open_slots(carried: Sequence[Row], batch: int) -> dict[Any, int]:
    counts = Counter(row["lane"] for row in carried)
    slots = {lane: max(0, slots - counts[lane]) for lane, slots in quotas(batch).items()}
    # A lane that stood in for another yesterday may hold more than its quota: the queue never exceeds the batch.
    excess = sum(slots.values()) + len(carried) - batch
    for lane in reversed(LANES):
        dropped = min(max(0, excess), slots[lane])
        slots[lane], excess = slots[lane] - dropped, excess - dropped
    return slots


def _item(row: Row, choice: Choice, estimates: Estimates | None, day: date) -> Row:
    ids, name = _ids(row), item_id(*_ids(row))
    low, high = (row["low_id"], row["low_day"]), (row["high_id"], row["high_day"])
    is_swapped = len(ids) == 2 and is_reversed(name)
    first, second = (high, low) if is_swapped else (low, high)
    p = None if estimates is None or len(ids) == 1 else float(estimates.p[choice.index])
    return {
        "day": day,
        "item_id": name,
        "prompt_key": row["prompt_key"],
        "cluster_key": row["cluster_key"] or row["prompt_key"],
        "segment": row["segment"],
        "task": row["task"],
        "first_id": first[0],
        "first_day": first[1],
        "second_id": second[0],
        "second_day": second[1],
        "reasons": list(choice.reasons),
        "score": choice.score,
        "lane": choice.lane,
        "batch": day,
        "p": p if p is None or not is_swapped else 1 - p,
        "sd": None if p is None or estimates is None else float(estimates.sd[choice.index]),
    }
