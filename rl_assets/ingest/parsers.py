"""Strict parsers of JSON values in Python, for formats that SQL cannot read. What does not fit is rejected."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from rl_assets.metrics.scales import Metric, Metrics, metric_of, stars_of
from rl_assets.tables.records import RejectReason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN = 50
YEARS = range(2000, 2100)
SECONDS_BELOW = 1e11  # a larger number is unix time in milliseconds
ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "developer": "system", "function": "tool"}
KNOWN_ROLES = ("system", "user", "assistant", "tool")
MAX_FLOAT_ID = 1e15
Json = Mapping[str, Any]


class RejectedLineError(ValueError):
    """A line cannot become a record: the reason from the closed list, and the field or the value at fault."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.fault = f"{reason}:{detail}"


def unknown_kind(given: Any, allowed: Iterable[str], field: str) -> RejectedLineError:
    """The error of a field whose value is none of the allowed ones; its detail names them."""
    shown = f" '{given[:SHOWN]}'" if isinstance(given, str) else ""
    return RejectedLineError("unknown_kind", f"{field}{shown} is none of {', '.join(allowed)}")


def parse_json(text: str) -> Any:
    """The JSON value in a text. Raises RejectedLineError for lenient JSON and for duplicate keys in any object."""
    try:
        value = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_reject_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RejectedLineError:
        raise
    except (ValueError, RecursionError) as error:
        detail = "a lone surrogate" if isinstance(error, UnicodeError) else str(error)
        raise RejectedLineError("not_json", detail) from None
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise RejectedLineError("duplicate_key", next(name for name in names if names.count(name) > 1))
    return value


def _reject_constant(constant: str) -> None:
    raise RejectedLineError("not_json", f"{constant} is not JSON")


def text(row: Json, field: str) -> str | None:
    """A text; None if missing."""
    value = row.get(field)
    if value is not None and not isinstance(value, str):
        raise RejectedLineError("wrong_type", field)
    return value


def identifier(row: Json, field: str) -> str | None:
    """An id: a text, or a whole number as text, also one that a data frame made 12.0; None if missing."""
    value = row.get(field)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_FLOAT_ID:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise RejectedLineError("wrong_type", field)
    return str(value).strip()


def required(value: Any, field: str) -> Any:
    """The value. Raises RejectedLineError if it is missing."""
    if value is None:
        raise RejectedLineError("missing_field", field)
    return value


def number(row: Json, field: str) -> float | None:
    """A finite number, also from a text; None if missing."""
    value = row.get(field)
    if value is None:
        return None
    try:
        parsed = float("x") if isinstance(value, bool) else float(value)
    except (ValueError, TypeError, OverflowError):
        raise RejectedLineError("wrong_type", field) from None
    if not isfinite(parsed):
        raise RejectedLineError("wrong_type", field)
    return parsed


def timestamp(row: Json, field: str) -> datetime | None:
    """A time from 2000 to 2100: ISO 8601 (UTC without a zone), unix seconds or milliseconds; None if missing."""
    value = row.get(field)
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else _unix(number(row, field))
    except (ValueError, OverflowError):
        raise RejectedLineError("bad_timestamp", field) from None
    parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    if parsed.year not in YEARS:
        raise RejectedLineError("bad_timestamp", field)
    return parsed


def _unix(value: float | None) -> datetime:
    seconds = value or 0.0
    return EPOCH + timedelta(seconds=seconds if seconds < SECONDS_BELOW else seconds / 1000)


def score(metrics: Metrics, name: str, raw: float) -> dict[str, Any]:
    """The fields of a feedback event with this metric: value in [0, 1], raw value, dimension, and its source if that is
    configured."""
    metric = metric_of(metrics, name)
    source = {"source": metric.source} if metric.source else {}
    return {"value": _on_scale(metric, name, raw), "raw_value": raw, "dimension": metric.dimension or name, **source}


def rating(metrics: Metrics, name: str, raw: float) -> dict[str, Any]:
    """The fields of a feedback event with these stars: value in [0, 1], raw value."""
    return {"value": _on_scale(stars_of(metrics, name), name, raw), "raw_value": raw}


def _on_scale(metric: Metric, name: str, raw: float) -> float:
    value = metric.value(raw)
    if value is None:
        raise RejectedLineError("out_of_range", f"{name} = {raw} is not between {metric.range}")
    return value


def role(name: Any, field: str) -> str:
    """One of system, user, assistant and tool; other names that frameworks use are mapped to these."""
    known = ROLES.get(name, name) if isinstance(name, str) else None
    if known not in KNOWN_ROLES:
        raise RejectedLineError("wrong_type", f"{field}.role")
    return str(known)


def message_text(value: Any, field: str) -> str:
    """The text of a message: as it is, or its text parts joined; parts of other kinds stay as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if not isinstance(value, list):
        raise RejectedLineError("wrong_type", f"{field}.content")
    return "\n".join(_part(part) for part in value)


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, dict):
        text = next((part[key] for key in ("text", "value", "content") if isinstance(part.get(key), str)), None)
        if text is not None and part.get("type", "text") == "text":
            return str(text)
    return json.dumps(part, ensure_ascii=False, sort_keys=True)
