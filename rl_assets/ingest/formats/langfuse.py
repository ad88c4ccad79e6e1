"""Log format `langfuse`: a trace a line, as exported with its observations, scores and corrections.

{trace: {id, timestamp, name, sessionId, userId, input, output, scores[], corrections[]}, observations: [{type,
startTime, endTime, model, input, output, totalUsage, totalCost}]}, or the same with the observations inside the
trace. A trace is one answer: that of its last GENERATION whose input and output can be read, else the trace's own
texts. Inputs and outputs are JSON, or JSON or a Python literal inside a text, in the shapes that OpenAI, Gemini, Vercel
and OpenTelemetry instrumentations write. Score ranges are settings.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rl_assets.ingest.conversion import Reading, Records
from rl_assets.ingest.exchanges import Turns, answer_of, inner, prompt_of
from rl_assets.ingest.readings import (
    Json,
    Refused,
    identity,
    moment,
    needed,
    number,
    score,
    text,
)

SOURCES = {"EVAL": "judge", "ANNOTATION": "human", "API": "human"}


def records(row: Json, reading: Reading) -> Records:
    """The answer of a trace, and every score and correction that it got."""
    trace = row.get("trace", row)
    if not isinstance(trace, dict):
        raise Refused("wrong_type", "trace")
    name, time = needed(identity(trace, "id"), "id"), needed(moment(trace, "timestamp"), "timestamp")
    found, prompt, answer = _exchange(trace, _objects(row if "trace" in row else trace, "observations"))
    answer_row = {
        "interaction_id": name,
        "answered_at": time,
        "prompt": prompt,
        "answer": answer,
        "agent": text(trace, "name"),
        "model": text(found, "model"),
        "latency_ms": _latency(found),
        "tokens": None if (tokens := number(found, "totalUsage")) is None else int(tokens),
        "cost_usd": number(found, "totalCost"),
        "session_id": identity(trace, "sessionId"),
        "user_id": identity(trace, "userId"),
        "error": False,
    }
    acts = [*_scores(trace, name, time, reading), *_corrections(trace, name, time)]
    return Records([answer_row], acts)


def _objects(row: Json, field: str) -> list[Json]:
    values = row.get(field) or []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise Refused("wrong_type", field)
    return values


def _exchange(trace: Json, observations: list[Json]) -> tuple[Json, Turns, str]:
    generations = [each for each in observations if each.get("type") == "GENERATION"]
    latest_first = sorted(generations, key=lambda each: str(each.get("startTime")), reverse=True)
    for found in [*latest_first, {key: trace.get(key) for key in ("input", "output")}]:
        prompt, answer = prompt_of(inner(found.get("input"))), answer_of(inner(found.get("output")))
        if prompt and answer:
            return found, prompt, answer
    raise Refused("missing_field", "a generation whose input and output can be read")


def _latency(found: Json) -> float | None:
    """Milliseconds from start to end; the field `latency` is in seconds in some exports, in milliseconds in others."""
    start, end = moment(found, "startTime"), moment(found, "endTime")
    return (end - start).total_seconds() * 1000 if start and end and end >= start else None


def _scores(trace: Json, answer: str, time: datetime, reading: Reading) -> Iterator[dict[str, Any]]:
    for each in _objects(trace, "scores"):
        name = needed(text(each, "name"), "scores.name")
        comment = text(each, "comment")
        source = SOURCES.get(str(each.get("source")))
        if source is None:
            raise Refused("unknown_kind", "scores.source")
        raw = number(each, "value") if each.get("dataType", "NUMERIC") != "CATEGORICAL" else None
        judged = {"kind": "comment", "dimension": name} if raw is None else {"kind": "reward"}
        yield {
            **_act(each, answer, time),
            "source": source,
            "comment": comment if raw is not None else f"{each.get('stringValue')} {comment or ''}".strip(),
            **judged,
            **({} if raw is None else score(reading.metrics, name, raw)),
        }


def _corrections(trace: Json, answer: str, time: datetime) -> Iterator[dict[str, Any]]:
    for each in _objects(trace, "corrections"):
        better = needed(text(each, "longStringValue"), "corrections.longStringValue")
        said = {"kind": "correction", "dimension": "overall", "source": "human", "preferred": better}
        yield {**_act(each, answer, time), **said}


def _act(said: Json, answer: str, time: datetime) -> dict[str, Any]:
    return {
        "feedback_id": needed(identity(said, "id"), "id of a score"),
        "interaction_id": answer,
        "given_at": moment(said, "timestamp") or time,
        "rater": identity(said, "authorUserId"),
    }
