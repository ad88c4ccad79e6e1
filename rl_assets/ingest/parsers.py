"""Strict parsers of JSON values in Python, for formats that SQL cannot read. What does not fit is rejected."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from rl_assets.core.blank import is_blank, stripped
from rl_assets.ingest.strict_json import DuplicateKeyError, json_error, load_strictly
from rl_assets.ingest.times import parse_time
from rl_assets.metrics.scales import Metric, Metrics, metric_of, stars_of
from rl_assets.tables.records import RejectReason

SHOWN = 50
ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "developer": "system", "function": "tool"}
KNOWN_ROLES = ("system", "user", "assistant", "tool")
MAX_FLOAT_ID = 1e15
# How data frames and databases write a missing value as text; `is_missing_text` in sql/macros/json.sql lists the same.
MISSING = frozenset({"nan", "NaN", "None", "<NA>", "NaT", "null", "NULL"})
FLOAT_ID = re.compile(r"(-?[0-9]{1,15})\.0")
Json = Mapping[str, Any]


class RejectedLineError(ValueError):
    """A line cannot become a record: the reason from the closed list, and the field or the value at fault."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail
        self.fault = f"{reason}:{detail}"

    def inside(self, where: str) -> "RejectedLineError":
        """The same error with the part of the line that it is about."""
        return RejectedLineError(self.reason, f"{where}: {self.detail}")


def unknown_kind(given: Any, allowed: Iterable[str], field: str) -> RejectedLineError:
    """The error of a field whose value is none of the allowed ones; its detail names them."""
    shown = f" '{given[:SHOWN]}'" if isinstance(given, str) else ""
    return RejectedLineError("unknown_kind", f"{field}{shown} is none of {', '.join(allowed)}")


def parse_json(text: str) -> Any:
    """The JSON value in a text. Raises RejectedLineError for lenient JSON and for duplicate keys in any object."""
    try:
        value = load_strictly(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except DuplicateKeyError as error:
        raise RejectedLineError("duplicate_key", str(error)) from None
    except (ValueError, RecursionError) as error:
        detail = "a lone surrogate" if isinstance(error, UnicodeError) else json_error(text)
        raise RejectedLineError("not_json", detail) from None
    return value


def text(row: Json, field: str) -> str | None:
    """A text; None if missing."""
    value = row.get(field)
    if value is not None and not isinstance(value, str):
        raise RejectedLineError("wrong_type", field)
    return value


def is_missing(value: Any) -> bool:
    """Whether a value stands for a missing one: null, a blank text, or the word of a data frame."""
    return value is None or (isinstance(value, str) and (is_blank(value) or stripped(value) in MISSING))


def identifier(row: Json, field: str) -> str | None:
    """An id: a text, or a whole number as text, also one that a data frame made 12.0; None if missing."""
    value = row.get(field)
    if is_missing(value):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_FLOAT_ID:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RejectedLineError("wrong_type", field)
    text = stripped(str(value))
    whole = FLOAT_ID.fullmatch(text)
    return whole[1] if whole else text


def required(value: Any, field: str) -> Any:
    """The value. Raises RejectedLineError if it is missing."""
    if value is None:
        raise RejectedLineError("missing_field", field)
    return value


def number(row: Json, field: str) -> float | None:
    """A finite number, also from a text; None if missing."""
    value = row.get(field)
    if value is None or is_missing(value):
        return None
    try:
        parsed = float("x") if isinstance(value, bool) else float(value)
    except (ValueError, TypeError, OverflowError):
        raise RejectedLineError("wrong_type", field) from None
    if not isfinite(parsed):
        raise RejectedLineError("wrong_type", field)
    return parsed


def timestamp(row: Json, field: str) -> datetime | None:
    """A time from 2000 to 2100, as `times` understands it; None if missing."""
    value = row.get(field)
    if is_missing(value):
        return None
    time = parse_time(value) if isinstance(value, str | int | float) else None
    if time is None:
        shown = f"'{value}'" if isinstance(value, str) else json.dumps(value)
        raise RejectedLineError("bad_timestamp", f"{field} = {shown[:SHOWN]}")
    return time


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
