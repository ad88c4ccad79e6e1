"""Labels of people on pairs of the review queue: landed as preferences that name a pair, counted if it was shown.

They come nights after their pairs, so a decision reads all that landed by its day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.evaluation.review.queue import answer_key
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.lake.delta import Lake
from rl_assets.tables.records import FEEDBACK
from rl_assets.tables.review_queue import REVIEW_QUEUE

PREFIX = "review:"
EVENT = (
    *("day", "interaction_id", "given_at", "kind", "value", "preferred", "rejected", "rater"),
    *("position", "source_file", "source_line"),
)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Label:
    """What one person says of a pair: 1 if the answer of the model under decision is better, 0 if worse, 0.5 a tie."""

    pair_id: str
    rater: str
    value: float


def landed_labels(lake: Lake, first: date, last: date) -> list[Row]:
    """Feedback events that name a pair, landed on those days."""
    days = [day for day in lake.days(FEEDBACK) if first <= day <= last]
    named = pc.starts_with(pc.field("interaction_id"), PREFIX) & pc.field("kind").isin(["preference", "retraction"])
    rows: list[Row] = lake.read(FEEDBACK, days).to_table(columns=list(EVENT), filter=named).to_pylist()
    return rows


def newest_of_each(events: Iterable[Row]) -> list[Row]:
    """The newest event of each person on each pair: the latest time, and of equal times the one that landed last.

    People without a name are one person; none of them withdraws what another said.
    """
    newest: dict[tuple[str, str], Row] = {}
    for event in sorted(events, key=_landing):
        if event["kind"] == "preference" or event["rater"] is not None:
            newest[event["interaction_id"], event["rater"] or ""] = event
    return [event for event in newest.values() if event["kind"] == "preference"]


def _landing(event: Row) -> tuple[Any, ...]:
    return event["given_at"], event["day"], event["position"] or 0, event["source_file"], event["source_line"]


def shown_pairs(lake: Lake, names: Iterable[str]) -> dict[str, Row]:
    """The drawn pairs of all nights with these names."""
    wanted = pc.field("pair_id").isin(pa.array(sorted(set(names)), pa.string())) & pc.field("drawn")
    columns = ["pair_id", "ours_key", "theirs_key"]
    table = lake.read(REVIEW_QUEUE, lake.days(REVIEW_QUEUE)).to_table(columns=columns, filter=wanted)
    return {row["pair_id"]: row for row in table.to_pylist()}


def split_labels(events: Sequence[Row], shown: Mapping[str, Row]) -> tuple[list[Label], list[Row]]:
    """Labels of what was shown, and the events that name other pairs or other texts."""
    labels, strangers = [], []
    for event in events:
        value = _value(event, shown.get(event["interaction_id"]))
        if value is None:
            strangers.append(event)
        else:
            labels.append(Label(event["interaction_id"], event["rater"] or "", value))
    return labels, strangers


def _value(event: Row, pair: Row | None) -> float | None:
    if pair is None:
        return None
    if event["preferred"] is None or event["rejected"] is None:
        return 0.5 if event["value"] == 0.5 else None
    texts = answer_key(event["preferred"]), answer_key(event["rejected"])
    ours, theirs = pair["ours_key"], pair["theirs_key"]
    return {(ours, theirs): 1.0, (theirs, ours): 0.0}.get(texts)


def rows_of_epoch(lake: Lake, primary: Primary, segment: str | None, lineage: str, until: date) -> list[dict[str, Any]]:
    """The rows of the epoch's nights, that of the day included, in their order."""
    begun = date.fromisoformat(primary.day) if primary.metric else date.min
    days = [day for day in lake.days(REVIEW_QUEUE) if begun <= day <= until]
    of_segment = pc.field("segment").is_null() if segment is None else pc.field("segment") == segment
    of_epoch = of_segment & (pc.field("epoch") == primary.epoch) & (pc.field("lineage") == lineage)
    rows: list[dict[str, Any]] = lake.read(REVIEW_QUEUE, days).to_table(filter=of_epoch).to_pylist()
    return sorted(rows, key=lambda row: (row["day"], row["cluster"]))
