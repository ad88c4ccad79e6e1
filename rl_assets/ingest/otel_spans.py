"""Spans and log records of a line of OTLP JSON, as plain JSON.

Source: opentelemetry-proto (trace and logs, JSON encoding).
"""

from collections.abc import Iterator
from typing import Any

from rl_assets.ingest.parsers import Json, RejectedLineError
from rl_assets.ingest.vendor_fields import first_of, objects_in

SESSION = ("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id")
USER = ("enduser.id", "user.id", "traceloop.association.properties.user_id", "gen_ai.openai.request.user")
Attributes = dict[str, Any]
Span = dict[str, Any]


def read_spans(row: Json) -> list[Span]:
    """The spans of a line, each with the attributes of its `resource` and those `around` it; a log record is a span
    with one event, and those of one span are one."""
    return _joined(_spans(row))


def _spans(row: Json) -> Iterator[Span]:
    """Spans and log records with the attributes of their resource; a log record is a span with one event."""
    if "spanId" in row and "attributes" in row:
        yield {**row, "resource": {}}
    for group, scopes, items in (("resourceSpans", "scopeSpans", "spans"), ("resourceLogs", "scopeLogs", "logRecords")):
        for resource in objects_in(row, group):
            own = resource.get("resource")
            about = attributes_of(own if isinstance(own, dict) else {})
            for scope in objects_in(resource, scopes if scopes in resource else f"instrumentationLibrary{scopes[5:]}"):
                for item in objects_in(scope, items):
                    yield {**(item if items == "spans" else _span_of_log(item)), "resource": about}


def _joined(spans: Iterator[Span]) -> list[Span]:
    """The spans, those of one id as one with the events of all: log records of a span come one by one."""
    joined_spans: dict[Any, Span] = {}
    for place, span in enumerate(spans):
        of_logs = "from_log" in span and span.get("spanId")
        key = (str(span.get("traceId")), str(span["spanId"])) if of_logs else place
        earlier = joined_spans.setdefault(key, span)
        if earlier is not span:
            earlier["events"] = [*earlier["events"], *span["events"]]
    by_id = {str(span.get("spanId")): span for span in joined_spans.values() if span.get("spanId")}
    return [{**span, "around": _around(span, by_id)} for span in joined_spans.values()]


def _around(span: Json, by_id: dict[str, Span]) -> Attributes:
    """The user and the conversation of the spans that enclose a span in the same line, from the nearest."""
    found: Attributes = {}
    seen = {str(span.get("spanId"))}
    parent = str(span.get("parentSpanId"))
    while parent in by_id and parent not in seen:
        seen.add(parent)
        try:
            attributes = attributes_of(by_id[parent])
        except RejectedLineError:  # The parent itself is counted as not read.
            attributes = {}
        found = {**{name: attributes[name] for name in (*SESSION, *USER) if name in attributes}, **found}
        parent = str(by_id[parent].get("parentSpanId"))
    return found


def _span_of_log(log: Json) -> Span:
    attributes = attributes_of(log)
    body = _value(log["body"]) if isinstance(log.get("body"), dict) else None
    fields = {**attributes, **body} if isinstance(body, dict) else attributes
    time = first_of(log, "timeUnixNano", "observedTimeUnixNano")
    name = first_of(log, "eventName") or attributes.get("event.name")
    event = {"name": name, "timeUnixNano": time, "fields": fields}
    span = {"traceId": log.get("traceId"), "spanId": log.get("spanId"), "startTimeUnixNano": time, "events": [event]}
    return {**span, "from_log": True}


def attributes_of(holder: Json) -> Attributes:
    """The attributes of a span, event or resource: OTLP's list of keys and values, or an object."""
    given = holder.get("attributes")
    if isinstance(given, dict):
        return given
    return {str(each.get("key")): _value(each.get("value")) for each in objects_in(holder, "attributes")}


def _value(value: Any) -> Any:
    """A value of OTLP JSON as plain JSON."""
    if not isinstance(value, dict):
        return value
    for name in ("stringValue", "boolValue", "doubleValue"):
        if name in value:
            return value[name]
    if "intValue" in value:
        return int(str(value["intValue"])) if str(value["intValue"]).lstrip("-").isdigit() else value["intValue"]
    for name in ("arrayValue", "kvlistValue"):
        if isinstance(inner := value.get(name), dict):
            values = objects_in(inner, "values")
            if name == "arrayValue":
                return [_value(each) for each in values]
            return {str(each.get("key")): _value(each.get("value")) for each in values}
    return value.get("bytesValue")
