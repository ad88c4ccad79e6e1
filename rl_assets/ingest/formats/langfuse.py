"""Log format `langfuse`: one trace per line, as exported with its observations, scores and corrections.

{trace: {id, timestamp, name, sessionId, userId, input, output, scores[], corrections[]}, observations: [{type,
startTime, endTime, model, input, output, totalUsage, totalCost}]}, or the same with the observations inside the
trace. A trace is one answer: that of its last GENERATION with a readable input and output, else the trace's own
texts. Inputs and outputs are JSON, or JSON or a Python literal inside a text, in the shapes that OpenAI, Gemini, Vercel
and OpenTelemetry instrumentations write. Score ranges are settings.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.message_shapes import Turns, decode, parse_answer, parse_prompt
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

SOURCES = {"EVAL": "judge", "ANNOTATION": "human", "API": "human"}


def records(row: Json, context: LineContext) -> Records:
    """The answer of a trace, with all its scores and corrections."""
    trace = row.get("trace", row)
    if not isinstance(trace, dict):
        raise RejectedLineError("wrong_type", "trace")
    name, time = required(identifier(trace, "id"), "id"), required(timestamp(trace, "timestamp"), "timestamp")
    generation, prompt, answer = _exchange(trace, _objects(row if "trace" in row else trace, "observations"))
    answer_row = {
        "interaction_id": name,
        "answered_at": time,
        "prompt": prompt,
        "answer": answer,
        "agent": text(trace, "name"),
        "model": text(generation, "model"),
        "latency_ms": _latency(generation),
        "tokens": None if (tokens := number(generation, "totalUsage")) is None else int(tokens),
        "cost_usd": number(generation, "totalCost"),
        "session_id": identifier(trace, "sessionId"),
        "user_id": identifier(trace, "userId"),
        "error": False,
    }
    events = [*_scores(trace, name, time, context), *_corrections(trace, name, time)]
    return Records([answer_row], events)


def _objects(row: Json, field: str) -> list[Json]:
    values = row.get(field) or []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise RejectedLineError("wrong_type", field)
    return values


def _exchange(trace: Json, observations: list[Json]) -> tuple[Json, Turns, str]:
    generations = [each for each in observations if each.get("type") == "GENERATION"]
    latest_first = sorted(generations, key=lambda each: str(each.get("startTime")), reverse=True)
    for exchange in [*latest_first, {key: trace.get(key) for key in ("input", "output")}]:
        prompt, answer = parse_prompt(decode(exchange.get("input"))), parse_answer(decode(exchange.get("output")))
        if prompt and answer:
            return exchange, prompt, answer
    raise RejectedLineError("missing_field", "a generation whose input and output can be read")


def _latency(generation: Json) -> float | None:
    """Milliseconds from start to end; the field `latency` is in seconds in some exports, in milliseconds in others."""
    start, end = timestamp(generation, "startTime"), timestamp(generation, "endTime")
    return (end - start).total_seconds() * 1000 if start and end and end >= start else None


def _scores(trace: Json, answer: str, time: datetime, context: LineContext) -> Iterator[dict[str, Any]]:
    for each in _objects(trace, "scores"):
        name = required(text(each, "name"), "scores.name")
        comment = text(each, "comment")
        source = SOURCES.get(str(each.get("source")))
        if source is None:
            raise unknown_kind(each.get("source"), SOURCES, "scores.source")
        raw = number(each, "value") if each.get("dataType", "NUMERIC") != "CATEGORICAL" else None
        kind = {"kind": "comment", "dimension": name} if raw is None else {"kind": "reward"}
        yield {
            **_event(each, answer, time),
            "source": source,
            "comment": comment if raw is not None else f"{each.get('stringValue')} {comment or ''}".strip(),
            **kind,
            **({} if raw is None else score(context.metrics, name, raw)),
        }


def _corrections(trace: Json, answer: str, time: datetime) -> Iterator[dict[str, Any]]:
    for each in _objects(trace, "corrections"):
        better = required(text(each, "longStringValue"), "corrections.longStringValue")
        correction = {"kind": "correction", "dimension": "overall", "source": "human", "preferred": better}
        yield {**_event(each, answer, time), **correction}


def _event(score: Json, answer: str, time: datetime) -> dict[str, Any]:
    return {
        "feedback_id": required(identifier(score, "id"), "id of a score"),
        "interaction_id": answer,
        "given_at": timestamp(score, "timestamp") or time,
        "rater": identifier(score, "authorUserId"),
    }
