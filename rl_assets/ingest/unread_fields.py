"""Fields of lines that their log format does not read, and which field of the format was perhaps meant.

An SQL format names its fields in its `from_json`. A Python format may name them in `FIELDS`, those of an object in it
as `feedback.rating`; of one that does not, no field is counted, nor of a line without the field `FIELDS_ARE_OF`, if the
format names one: its other lines have fields that users name.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

from rl_assets.core import sql

SEPARATOR = chr(31)
MIN_CHARACTERS = 5  # Shorter names are near to everything.
MIN_LIKENESS = 0.8
Row = dict[str, Any]


@cache
def fields_of(log_format: str) -> tuple[str, ...]:
    """The fields that a log format reads; none if it does not say."""
    if (sql.FOLDER / "formats" / f"{log_format}.sql").exists():
        return tuple(re.findall(r'"(\w+)": "JSON"', sql.text(f"formats/{log_format}")))
    return tuple(getattr(import_module(f"rl_assets.ingest.formats.{log_format}"), "FIELDS", ()))


@cache
def holder_of(log_format: str) -> str | None:
    """The field of the lines whose fields a Python format knows; None if it knows those of all lines."""
    holder: str | None = getattr(import_module(f"rl_assets.ingest.formats.{log_format}"), "FIELDS_ARE_OF", None)
    return holder


def joined_fields(row: Mapping[str, Any], known: tuple[str, ...], holder: str | None = None) -> str | None:
    """All fields of a line as one text, if some are not known; fields of its objects where some of these are known."""
    if not known or (holder and holder not in row):
        return None
    fields = list(row)
    for parent in {name.partition(".")[0] for name in known if "." in name}:
        if isinstance(value := row.get(parent), dict):
            fields += [f"{parent}.{name}" for name in value]
    return None if set(fields) <= set(known) else SEPARATOR.join(map(str, fields))


def count_unread(sets: Iterable[Row]) -> list[Row]:
    """The lines of each unread field by log format, with the known field that is spelled alike and that they lack.

    `sets` are rows of sql/ingest/unread_fields.sql. Fields that were perhaps meant for others come first.
    """
    counts = Counter[tuple[str, str, str | None]]()
    for row in sets:
        fields, known = row["fields"].split(SEPARATOR), fields_of(row["log_format"])
        missing = [name for name in known if name not in fields]
        for field in set(fields) - set(known):
            counts[row["log_format"], field, _nearest(field, missing)] += row["lines"]
    rows = [
        {"log_format": log_format, "field": field, "lines": lines, "nearest": nearest}
        for (log_format, field, nearest), lines in counts.items()
    ]
    return sorted(rows, key=lambda row: (row["nearest"] is None, -row["lines"], row["log_format"], row["field"]))


def _nearest(field: str, names: list[str]) -> str | None:
    """The name that is spelled like the field, whatever its case and signs; None if none is."""
    plain = {_plain(name): name for name in names if name.count(".") == field.count(".")}
    if (exact := plain.get(_plain(field))) or len(_plain(field)) < MIN_CHARACTERS:
        return exact
    close = get_close_matches(_plain(field), [name for name in plain if len(name) >= MIN_CHARACTERS], 1, MIN_LIKENESS)
    return plain[close[0]] if close else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", name.lower())
