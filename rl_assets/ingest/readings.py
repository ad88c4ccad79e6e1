"""Strict readings of JSON values in Python, for formats that SQL cannot read. What does not fit is refused."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from rl_assets.metrics.scales import Metrics, metric_of
from rl_assets.tables.records import RejectReason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEARS = range(2000, 2100)
SECONDS_BELOW = 1e11  # a larger number is unix time in milliseconds
ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "developer": "system", "function": "tool"}
KNOWN_ROLES = ("system", "user", "assistant", "tool")
Json = Mapping[str, Any]


class Refused(ValueError):
    """A line cannot become a record: the reason from the closed list, and which field or what was found."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.fault = f"{reason}:{detail}"


def parsed(text: str) -> Any:
    """The JSON value in a text. Raises Refused for what is not strict JSON, and where any object says a key twice."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except Refused:
        raise
    except (ValueError, RecursionError) as error:
        raise Refused("not_json", "a lone surrogate" if isinstance(error, UnicodeError) else str(error)) from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise Refused("duplicate_key", next(name for name in names if names.count(name) > 1))
    return found


def _no_constant(constant: str) -> None:
    raise Refused("not_json", f"{constant} is not JSON")


def text(row: Json, field: str) -> str | None:
    """A text, or None where there is none."""
    value = row.get(field)
    if value is not None and not isinstance(value, str):
        raise Refused("wrong_type", field)
    return value


def identity(row: Json, field: str) -> str | None:
    """An id: a text, or a whole number read as one."""
    value = row.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise Refused("wrong_type", field)
    return str(value).strip()


def needed(value: Any, field: str) -> Any:
    """The value. Raises Refused where it is missing."""
    if value is None:
        raise Refused("missing_field", field)
    return value


def number(row: Json, field: str) -> float | None:
    """A finite number, also as a text."""
    value = row.get(field)
    if value is None:
        return None
    try:
        found = float("x") if isinstance(value, bool) else float(value)
    except (ValueError, TypeError, OverflowError):
        raise Refused("wrong_type", field) from None
    if not isfinite(found):
        raise Refused("wrong_type", field)
    return found


def moment(row: Json, field: str) -> datetime | None:
    """A time from 2000 to 2100: ISO 8601 (UTC where it names no zone), unix seconds or unix milliseconds."""
    value = row.get(field)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else _unix(number(row, field))
    except (ValueError, OverflowError):
        raise Refused("bad_timestamp", field) from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found.year not in YEARS:
        raise Refused("bad_timestamp", field)
    return found


def _unix(value: float | None) -> datetime:
    seconds = value or 0.0
    return EPOCH + timedelta(seconds=seconds if seconds < SECONDS_BELOW else seconds / 1000)


def score(metrics: Metrics, name: str, raw: float) -> dict[str, Any]:
    """The fields of feedback that a metric's number gives: value in [0, 1], raw value, dimension."""
    metric = metric_of(metrics, name)
    value = metric.value(raw)
    if value is None:
        raise Refused("out_of_range", f"{name} = {raw} is not between {metric.worst} and {metric.best}")
    return {"value": value, "raw_value": raw, "dimension": metric.dimension or name}


def role(name: Any, field: str) -> str:
    """One of system, user, assistant and tool; other names that frameworks use are mapped to these."""
    found = ROLES.get(name, name) if isinstance(name, str) else None
    if found not in KNOWN_ROLES:
        raise Refused("wrong_type", f"{field}.role")
    return str(found)


def content(value: Any, field: str) -> str:
    """The text of a message: as it is, or its text parts joined; parts of other kinds stay as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if not isinstance(value, list):
        raise Refused("wrong_type", f"{field}.content")
    return "\n".join(_part(part) for part in value)


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, dict):
        said = next((part[key] for key in ("text", "value", "content") if isinstance(part.get(key), str)), None)
        if said is not None and part.get("type", "text") == "text":
            return str(said)
    return json.dumps(part, ensure_ascii=False, sort_keys=True)
