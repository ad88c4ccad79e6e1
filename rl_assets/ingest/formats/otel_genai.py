"""Log format `otel_genai`: GenAI spans and events of OpenTelemetry, as OTLP JSON (the collector's file exporter).

Source: opentelemetry-proto (trace and logs, JSON encoding); the semantic conventions for generative AI (docs/gen-ai of
open-telemetry/semantic-conventions, with `gen-ai-input-messages.json`); the names of OpenLLMetry and OpenInference.

One request per line: {resourceSpans: [{resource, scopeSpans: [{spans: [{traceId, spanId, startTimeUnixNano,
attributes, events, status}]}]}]} or {resourceLogs: [{scopeLogs: [{logRecords}]}]}, or one span alone. A span with a
prompt and an answer is an answer. Its texts are looked for in this order:

- `gen_ai.input.messages`, `gen_ai.output.messages`, `gen_ai.system_instructions` (current; also on the event
  `gen_ai.client.inference.operation.details` of a span or log),
- events `gen_ai.system.message`, `gen_ai.user.message`, `gen_ai.choice`, ... of the span, or events
  `gen_ai.content.prompt` and `gen_ai.content.completion`,
- `gen_ai.prompt.0.content`, `gen_ai.completion.0.content` or `llm.prompts`, `llm.completions` (flat),
- `llm.input_messages.0.message.content`, `llm.output_messages` (OpenInference).

A span that gives the answer of a span inside it again, as an agent's does, is one answer with it. The event
`gen_ai.evaluation.result` of a span or log is a judge's reward, or a comment if it has a label only. Spans
without GenAI texts are skipped; a line that has none is rejected. A span that cannot be read is an
answer without a text, and its `error_message` says why; if that holds for all, the line is rejected.
"""

import base64
import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeGuard

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.otel_agents import without_repeats
from rl_assets.ingest.otel_spans import SESSION, USER, Attributes, attributes_of, read_spans
from rl_assets.ingest.otel_texts import texts_of
from rl_assets.ingest.parsers import Json, RejectedLineError, identifier, number, required, score, text
from rl_assets.ingest.times import EPOCH, YEARS
from rl_assets.ingest.vendor_fields import (
    first_of,
    joined,
    milliseconds,
    objects_in,
    records_of_parts,
    shape_of,
    whole,
)

# Those of the source that are not read are named too, so that only what is new is counted.
FIELDS = (
    *("resourceSpans", "resourceLogs", "resourceMetrics", "traceId", "spanId", "traceState"),
    *("parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "timeUnixNano"),
    *("observedTimeUnixNano", "severityNumber", "severityText", "body", "eventName", "attributes"),
    *("events", "links", "status", "flags", "droppedAttributesCount", "droppedEventsCount"),
    *("droppedLinksCount", "resource"),
)
DETAILS = "gen_ai.client.inference.operation.details"
EVALUATION = "gen_ai.evaluation.result"
ERROR_STATUS = (2, "2", "STATUS_CODE_ERROR")


def records(row: Json, context: LineContext) -> Records:
    """The answers of the spans and log records of a request, and the evaluations of them."""
    spans = read_spans(row)
    if not spans:
        raise RejectedLineError("unknown_kind", f"no spans or log records: {shape_of(row)}")
    found = records_of_parts(
        (
            (f"span {span.get('spanId')}", _name(span.get("spanId") or None), partial(_records_of_span, span, context))
            for span in spans
        ),
        context.start,
    )
    if not found.answers and not found.feedback:
        raise RejectedLineError("missing_field", f"texts of GenAI in {len(spans)} spans (is their capture on?)")
    return without_repeats(found, _parents(spans))


def _parents(spans: Sequence[Json]) -> dict[str, str]:
    """The id of the span around each span."""
    names = [(span.get("spanId"), span.get("parentSpanId")) for span in spans]
    return {_plain_id(own, 16): _plain_id(outer, 16) for own, outer in names if _is_text(own) and _is_text(outer)}


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def _records_of_span(span: Json, context: LineContext) -> Records:
    found = Records()
    name = _id(span, "spanId", 16)
    attributes = attributes_of(span)
    events = [{**event, "fields": event.get("fields") or attributes_of(event)} for event in objects_in(span, "events")]
    details: Attributes = next((event["fields"] for event in events if event.get("name") == DETAILS), {})
    attributes = {**attributes, **details}
    if texts := texts_of(attributes, events):
        found.answers.append({**_answer(span, required(name, "spanId"), attributes, context), **texts})
    for place, event in enumerate(events):
        if event.get("name") == EVALUATION:
            found.feedback.append(_evaluation(span, name, event, place, context))
    return found


def _answer(span: Json, name: str, attributes: Attributes, context: LineContext) -> dict[str, Any]:
    """What is known of the answer of a span but its texts."""
    start, end = _time(span, "startTimeUnixNano"), _time(span, "endTimeUnixNano")
    status = span.get("status")
    status = status if isinstance(status, dict) else {}
    failed = status.get("code") in ERROR_STATUS or attributes.get("error.type") is not None
    return {
        "interaction_id": name,
        "answered_at": start or context.start,
        "agent": _name(first_of(attributes, "gen_ai.agent.name") or first_of(span["resource"], "service.name")),
        "model": _name(first_of(attributes, "gen_ai.response.model", "gen_ai.request.model", "llm.model_name")),
        "latency_ms": milliseconds(start, end),
        "tokens": _tokens(attributes),
        "session_id": _name(first_of(attributes, *SESSION) or first_of(span["around"], *SESSION))
        or _id(span, "traceId", 32),
        "user_id": _name(_first_of_both(span, attributes, USER)),
        "error": failed,
        "error_message": joined([status.get("message") or attributes.get("error.type")]) if failed else None,
    }


def _first_of_both(span: Json, attributes: Attributes, names: tuple[str, ...]) -> Any:
    """The first value under one of the names, of the span itself or of those around it."""
    own = first_of(attributes, *names)
    return own if own is not None else first_of(span["around"], *names)


def _name(value: Any) -> str | None:
    return identifier({"name": value}, "name")


def _tokens(attributes: Attributes) -> int | None:
    total = first_of(attributes, "llm.usage.total_tokens", "gen_ai.usage.total_tokens", "llm.token_count.total")
    if total is not None:
        return whole(number({"tokens": total}, "tokens"))
    names = (
        ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
        ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    )
    counts = [number({"tokens": first_of(attributes, *each)}, "tokens") for each in names]
    return whole(sum(count or 0 for count in counts)) if any(count is not None for count in counts) else None


def _evaluation(span: Json, name: str | None, event: Json, place: int, context: LineContext) -> dict[str, Any]:
    """A judge's score of the span. An event without a span's id names the answer by its response or trace."""
    fields = event["fields"]
    metric = required(text(fields, "gen_ai.evaluation.name"), "gen_ai.evaluation.name")
    raw = number(fields, "gen_ai.evaluation.score.value")
    label, why = fields.get("gen_ai.evaluation.score.label"), fields.get("gen_ai.evaluation.explanation")
    if raw is None and not joined([label, why]):
        raise RejectedLineError("missing_field", "gen_ai.evaluation.score.value")
    target = required(name or _id(span, "traceId", 32), "spanId")
    judged = {"kind": "comment", "dimension": metric, "source": "judge"}
    if raw is not None:
        judged = {"kind": "reward", "source": "judge", **score(context.metrics, metric, raw)}
    return {
        **judged,
        "feedback_id": f"{target}-{metric}-{event.get('timeUnixNano') or place}",
        "interaction_id": target,
        "given_at": _time(event, "timeUnixNano") or _time(span, "startTimeUnixNano") or context.start,
        "comment": joined([label, why]),
    }


def _id(span: Json, field: str, digits: int) -> str | None:
    """A trace or span id in hexadecimal."""
    value = identifier(span, field) if span.get(field) not in (None, "") else None
    return _plain_id(value, digits) if value else None


def _plain_id(value: str, digits: int) -> str:
    """An id in lower case; some exporters write the base64 of protobuf's JSON."""
    if re.fullmatch(r"[0-9a-fA-F]+", value):
        return value.lower()
    try:
        decoded = base64.b64decode(value, validate=True).hex()
    except ValueError:
        return value
    return decoded if len(decoded) == digits else value


def _time(span: Json, field: str) -> Any:
    """Unix time in nanoseconds."""
    nanoseconds = number(span, field)
    if not nanoseconds:
        return None
    try:
        time = EPOCH + timedelta(microseconds=nanoseconds / 1000)
    except OverflowError:
        raise RejectedLineError("bad_timestamp", field) from None
    if time.year not in YEARS:
        raise RejectedLineError("bad_timestamp", field)
    return time
