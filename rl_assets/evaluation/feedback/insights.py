"""The feedback of a window by segment, agent and adapter, from `rated` and the feedback as of a day."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import duckdb

from rl_assets.core import sql
from rl_assets.core.validation import Record
from rl_assets.datasets.shown_first import ShownFirst, count_shown_first
from rl_assets.metrics.agreement import Vote, pairwise_agreement
from rl_assets.metrics.statistics import Interval, wilson
from rl_assets.metrics.stratified import Stratum, clipped_to_unit, stratified

MAX_ITEMS = 20_000
TAKEN_BACK, TIE = "taken back", "tie"
Key = tuple[str, str, str | None]
Row = dict[str, Any]


class GroupFeedback(Record):
    """The answers of one agent and adapter in one segment, and what people said of them.

    `rating` is the mean over questions of the human reward, in [0, 1]. `verdicts` are the events that count by kind,
    `taken_back` those that a retraction took away; a comparison counts for both of its answers. `agreement` is the
    share of rater pairs with equal votes over `rated_twice` answers and pairs of answers. `shown_first` is how often
    the answer that was shown first won, of the decided comparisons that say so.
    """

    segment: str
    agent: str
    adapter: str | None
    answers: int
    rated: int
    rated_share: Interval
    rating: Interval | None
    verdicts: dict[str, int]
    ties: int
    taken_back: int
    rated_twice: int
    agreement: Interval | None
    shown_first: Interval | None


class FeedbackInsights(Record):
    """The feedback of a window as known by the end of `day`; `shown_first` is over all groups."""

    day: date
    groups: list[GroupFeedback]
    shown_first: Interval | None


def feedback_insights(connection: duckdb.DuckDBPyConnection, day: date) -> FeedbackInsights:
    """The insights of a connection of `rated_as_of`."""
    shown_first = count_shown_first(connection)
    events, votes, firsts = _events(connection), _votes(connection), _shown_first(connection)
    groups = [
        _group(row, events[key], votes[key], firsts.get(key))
        for key, row in _keyed(connection, "evaluation/feedback/groups")
    ]
    return FeedbackInsights(day=day, groups=groups, shown_first=shown_first.share)


def _group(row: Row, events: Mapping[str, int], votes: list[Row], shown: ShownFirst | None) -> GroupFeedback:
    raters: list[list[Vote]] = [item["votes"] for item in votes]
    return GroupFeedback(
        segment=row["segment"],
        agent=row["agent"],
        adapter=row["adapter"],
        answers=row["answers"],
        rated=row["rated"],
        rated_share=wilson(row["rated"], row["answers"]),
        rating=_rating(row),
        verdicts={kind: count for kind, count in events.items() if kind not in (TAKEN_BACK, TIE)},
        ties=events.get(TIE, 0),
        taken_back=events.get(TAKEN_BACK, 0),
        rated_twice=len(votes),
        agreement=pairwise_agreement(raters, [item["prompt_key"] for item in votes]) if votes else None,
        shown_first=shown.share if shown else None,
    )


def _rating(row: Row) -> Interval | None:
    if not row["n"]:
        return None
    return clipped_to_unit(stratified([Stratum("all", 1, row["n"], row["mean"], row["variance"])]))


def _events(connection: duckdb.DuckDBPyConnection) -> dict[Key, dict[str, int]]:
    counts: dict[Key, dict[str, int]] = defaultdict(dict)
    for key, row in _keyed(connection, "evaluation/feedback/events"):
        counts[key][row["event"]] = row["events"]
    return counts


def _votes(connection: duckdb.DuckDBPyConnection) -> dict[Key, list[Row]]:
    items: dict[Key, list[Row]] = defaultdict(list)
    for key, row in _keyed(connection, "evaluation/feedback/votes", max_items=MAX_ITEMS):
        items[key].append(row)
    return items


def _shown_first(connection: duckdb.DuckDBPyConnection) -> dict[Key, ShownFirst]:
    rows = _keyed(connection, "evaluation/feedback/shown_first")
    return {key: ShownFirst(row["decided"], row["first_won"]) for key, row in rows}


def _keyed(connection: duckdb.DuckDBPyConnection, name: str, **parameters: Any) -> Iterator[tuple[Key, Row]]:
    for row in sql.select(connection, name, **parameters).to_arrow_table().to_pylist():
        yield (row["segment"], row["agent"], row["adapter"]), row
