"""Fields and feedback events that exports of several vendors have in common."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from rl_assets.ingest.conversion import Records
from rl_assets.ingest.message_shapes import decode
from rl_assets.ingest.parsers import Json, RejectedLineError

MAX_KEYS = 8


def shape_of(value: Any) -> str:
    """What a value looks like, in a few words, for the detail of a reject."""
    if isinstance(value, dict):
        keys = [*map(str, value)]
        return f"an object with {', '.join(keys[:MAX_KEYS])}{', ...' if len(keys) > MAX_KEYS else ''}" if keys else "{}"
    if isinstance(value, list):
        return f"a list whose first element is {shape_of(value[0])}" if value else "an empty list"
    if isinstance(value, str):
        return "a text" if value else "an empty text"
    return "nothing" if value is None else type(value).__name__


def unread(field: str, value: Any) -> RejectedLineError:
    """The error of a value of unknown shape; its detail names the shape."""
    return RejectedLineError("missing_field" if value is None else "wrong_type", f"{field} is {shape_of(value)}")


def first_of(row: Json, *fields: str) -> Any:
    """The value of the first field that has one."""
    return next((row[field] for field in fields if row.get(field) not in (None, "")), None)


def flag_of(value: Any) -> bool | None:
    """A boolean, also as a text, as tables have it; None if the value is none."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def object_in(row: Json, field: str) -> dict[str, Any]:
    """An object, also one that is JSON inside a text; empty if missing."""
    value = decode(row.get(field))
    if value in (None, ""):
        return {}
    if not isinstance(value, dict):
        raise unread(field, value)
    return value


def objects_in(row: Json, field: str) -> list[dict[str, Any]]:
    """A list of objects, also one that is JSON inside a text; empty if missing."""
    values = decode(row.get(field))
    if values in (None, ""):
        return []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise unread(field, values)
    return values


def joined(parts: Iterable[Any]) -> str | None:
    """The texts that are not blank, joined by colons; None if there are none."""
    texts = [part.strip() for part in parts if isinstance(part, str) and part.strip()]
    return ": ".join(texts) or None


def whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def milliseconds(start: datetime | None, end: datetime | None) -> float | None:
    """Time from start to end; None if one is missing or the end is earlier."""
    return (end - start).total_seconds() * 1000 if start and end and end >= start else None


def thumb_event(is_up: bool) -> dict[str, Any]:
    return {"kind": "thumbs", "value": float(is_up)}


def comment_events(comment: str | None) -> list[dict[str, Any]]:
    return [{"kind": "comment", "comment": comment}] if comment else []


def feedback_events(events: Iterable[dict[str, Any]], **common: Any) -> list[dict[str, Any]]:
    """The events as people's on the dimension `overall`, each with its own fields over the common ones."""
    return [{"dimension": "overall", "source": "human", **common, **event} for event in events]


Part = tuple[str, str | None, Callable[[], Records]]  # where it stands in the line, the id of its answer, its parser


def records_of_parts(parts: Iterable[Part], time: datetime) -> Records:
    """The records of the parts of one line.

    A part that cannot be read costs no other: it is an answer without a text, which is counted and never trained on,
    and its `error_message` says why. If no part gives records, the first error rejects the line.
    """
    whole_line, faults = Records(), list[tuple[str | None, RejectedLineError]]()
    for where, name, parse in parts:
        try:
            part = parse()
        except RejectedLineError as error:
            faults.append((name, error.inside(where)))
            continue
        known = {answer["interaction_id"] for answer in whole_line.answers}
        whole_line.answers.extend(answer for answer in part.answers if answer["interaction_id"] not in known)
        whole_line.feedback.extend(part.feedback)
        whole_line.notes.extend(part.notes)
    unnamed = next((error for name, error in faults if name is None), None)
    if faults and (unnamed or not (whole_line.answers or whole_line.feedback)):
        raise unnamed or faults[0][1]
    known = {answer["interaction_id"] for answer in whole_line.answers}
    first_faults = {str(name): error for name, error in reversed(faults) if name not in known}
    whole_line.answers.extend(_unread_answer(name, time, error) for name, error in first_faults.items())
    return whole_line


def _unread_answer(name: str, time: datetime, error: RejectedLineError) -> dict[str, Any]:
    why = f"not read: {error.reason}: {error.detail}"
    return {"interaction_id": name, "answered_at": time, "prompt": [], "error": False, "error_message": why}
