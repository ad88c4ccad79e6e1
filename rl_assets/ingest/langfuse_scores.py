"""Scores and corrections of Langfuse as feedback events.

A score is a reward of the dimension of its name if it is a number or a boolean (v2: 1 with `stringValue` "True"; v3:
true), and a comment if it is a category or a text. Source: `CreateScoreRequest` and `Score` of the API reference
(`dataType` NUMERIC, BOOLEAN, CATEGORICAL, TEXT or CORRECTION; `source` API, EVAL or ANNOTATION).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rl_assets.ingest.langfuse_fields import spelled
from rl_assets.ingest.message_shapes import decode
from rl_assets.ingest.parsers import (
    Json,
    RejectedLineError,
    identifier,
    number,
    required,
    score,
    text,
    timestamp,
    unknown_kind,
)
from rl_assets.ingest.vendor_fields import first_of, joined, shape_of, unread
from rl_assets.metrics.scales import Metrics

SOURCES = {"EVAL": "judge", "ANNOTATION": "human", "API": "human"}
TEXT_TYPES = ("CATEGORICAL", "TEXT")
BOOLEANS = {"true": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "0": 0.0, "0.0": 0.0}
Event = dict[str, Any]


def read_scores(
    trace: Json, name: str, time: datetime, metrics: Metrics, answer_of: Callable[[Json], str]
) -> tuple[list[Event], list[str]]:
    """The events of the scores and corrections of a trace, and a note on each that cannot be read: it does not cost the
    answer. `answer_of` gives the id of what a score is on."""
    events, notes = list[Event](), list[str]()
    for field in ("scores", "corrections"):
        for each in _listed(trace, field, name, notes):
            try:
                given = spelled(each)
                if field == "corrections":
                    given = {**given, "dataType": "CORRECTION"}
                events.append(read_score(given, answer_of(given), time, metrics))
            except RejectedLineError as error:
                notes.append(error.detail if error.reason == "out_of_range" else f"feedback: {error}")
    return events, notes


def _listed(trace: Json, field: str, name: str, notes: list[str]) -> list[Json]:
    """The objects of a list; of an object of scores by name, as the export of Langfuse's pages has it, one each."""
    values = decode(trace.get(field))
    if isinstance(values, dict):
        return scores_by_name(values, name)
    if values in (None, ""):
        return []
    if not isinstance(values, list):
        notes.append(f"feedback: {unread(field, values)}")
        return []
    # The list of traces in the API names scores by their ids; they are no scores themselves.
    others = [each for each in values if not isinstance(each, dict | str)]
    notes.extend(f"feedback: {field} holds {shape_of(each)}" for each in others)
    return [each for each in values if isinstance(each, dict)]


def scores_by_name(values: Json, name: str) -> list[Json]:
    """The scores of a trace or observation of that id, from one or several values under the name of each."""
    given = {key: value if isinstance(value, list) else [value] for key, value in values.items()}
    return [
        {"id": f"{name}-{key}-{place}", "name": key, "value": value}
        for key, listed in given.items()
        for place, value in enumerate(listed)
        if value is not None
    ]


def read_score(row: Json, answer: str, time: datetime, metrics: Metrics) -> Event:
    """The feedback event of a score on an answer."""
    common = {
        "feedback_id": required(identifier(row, "id"), "id of a score"),
        "interaction_id": answer,
        "given_at": timestamp(row, "timestamp") or time,
        "rater": identifier(row, "authorUserId"),
    }
    kind = str(row.get("dataType") or "").upper()
    if kind == "CORRECTION":
        better = first_of(row, "longStringValue", "stringValue", "value")
        better = required(text({"longStringValue": better}, "longStringValue"), "corrections.longStringValue")
        return {**common, "kind": "correction", "dimension": "overall", "source": "human", "preferred": better}
    name = required(text(row, "name"), "scores.name")
    given = row.get("source") or "API"
    source = SOURCES.get(str(given).upper())
    if source is None:
        raise unknown_kind(given, SOURCES, "scores.source")
    judged = {**common, "source": source, "dimension": name}
    comment = text(row, "comment") or None
    value = _value(row, kind, name)
    if isinstance(value, str):
        return {**judged, "kind": "comment", "comment": joined([value, comment])}
    return {**judged, "kind": "reward", "comment": comment, **score(metrics, name, value)}


def _value(row: Json, kind: str, name: str) -> float | str:
    """The number of a score, or its text."""
    value = row.get("value")
    label = text(row, "stringValue") or (value if isinstance(value, str) else None)
    if kind == "BOOLEAN" or isinstance(value, bool):
        word = str(first_of(row, "value", "stringValue")).strip().lower()
        if word not in BOOLEANS:
            raise RejectedLineError("wrong_type", f"{name} = {word[:50]} is no boolean")
        return BOOLEANS[word]
    if kind in TEXT_TYPES and label and label.strip():
        return label
    if kind in TEXT_TYPES:
        raise RejectedLineError("missing_field", f"stringValue of the score '{name}'")
    if kind and kind != "NUMERIC":
        raise unknown_kind(kind, ("NUMERIC", "BOOLEAN", *TEXT_TYPES), "scores.dataType")
    if not kind and isinstance(value, str) and value.strip():
        try:
            return float(required(number(row, "value"), name))
        except RejectedLineError:
            return value
    if value is None and label and not kind:
        return label
    return float(required(number(row, "value"), f"value of the score '{name}'"))
