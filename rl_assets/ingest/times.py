"""The one rule for times in logs: what a text or a number means, in every format; anything else is no time.

Understood are ISO 8601 (basic, extended and week dates, with `/` or one-digit parts too), with an offset, `UTC` or the
name of a zone, in UTC without one; the times of mails and web servers (RFC 5322, `01/Oct/2026:10:00:00 +0000`); and
Unix time in seconds, milliseconds, microseconds or nanoseconds. Dates whose day and month could be exchanged are not.
`time_of` in sql/macros/json.sql reads the frequent spellings itself, and asks `unix_microseconds` for the others.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEARS = range(2000, 2100)
MAX_CHARACTERS = 80
# Unix time of these years is below the first number in seconds, below the second in milliseconds, and so on.
UNITS = {10**11: 1, 10**14: 10**3, 10**17: 10**6, 10**20: 10**9}
ISO = re.compile(
    r"(?P<year>\d{4})(?P<sep>[-/]?)(?:(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})|W(?P<week>\d\d)-?(?P<weekday>[1-7]))"
    r"(?:[T ]\s*(?P<hour>\d{1,2})(?::?(?P<minute>\d{1,2})(?::?(?P<second>\d{1,2})(?:[.,](?P<fraction>\d+))?)?)?)?"
    r"\s*(?P<offset>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?\s*(?:\[?(?P<zone>[A-Z_]+(?:/[A-Z0-9_+-]+)+|UTC|GMT|Z)\]?)?",
    re.IGNORECASE | re.ASCII,
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NAMED_MONTH = re.compile(
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun), )?(?P<day>\d{1,2})[ /-](?P<month>[a-z]{3})[ /-](?P<year>\d{4})[ :]"
    r"(?P<time>\d{2}:\d{2}(?::\d{2})?) (?P<offset>Z|UTC|GMT|[+-]\d{4})",
    re.IGNORECASE | re.ASCII,
)


def parse_time(value: str | int | float) -> datetime | None:
    """The time in UTC that a value of a log means; None if it is none from 2000 to 2100."""
    text = str(value).strip()
    if isinstance(value, bool) or len(text) > MAX_CHARACTERS:
        return None
    try:
        time = _calendar_time(text) if isinstance(value, str) else None
        time = (time or _unix_time(text) or EPOCH).astimezone(UTC)
    except (ValueError, OverflowError, LookupError, OSError):
        return None
    return time if time.year in YEARS else None


def unix_microseconds(text: str) -> int | None:
    """`parse_time` for SQL: microseconds since 1970."""
    time = parse_time(text)
    return None if time is None else (time - EPOCH) // timedelta(microseconds=1)


def _unix_time(text: str) -> datetime | None:
    if "_" in text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or number < 0:
        return None
    unit = next((unit for limit, unit in UNITS.items() if number < limit), None)
    return None if unit is None else EPOCH + timedelta(microseconds=int(number * 10**6 / unit))


def _calendar_time(text: str) -> datetime | None:
    if named := NAMED_MONTH.fullmatch(text):
        month = MONTHS.index(named["month"].lower()) + 1
        text = f"{named['year']}-{month:02}-{named['day']:0>2}T{named['time']}{named['offset']}"
    match = ISO.fullmatch(text)
    if match is None or (not match["sep"] and match["month"] and len(match["month"] + match["day"]) < 4):
        return None
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    # The end of a day may be 24:00, and a leap second is the second before it once more.
    whole_day, leap = (hour, minute, second) == (24, 0, 0), second == 60
    microseconds = int((match["fraction"] or "")[:6].ljust(6, "0"))
    clock = (0 if whole_day else hour, minute, 59 if leap else second, microseconds)
    time = datetime(*_date(match), *clock, tzinfo=_zone(match))
    return time.astimezone(UTC) + timedelta(days=whole_day, seconds=leap)


def _date(match: re.Match[str]) -> tuple[int, int, int]:
    year = int(match["year"])
    if match["week"]:
        day = datetime.fromisocalendar(year, int(match["week"]), int(match["weekday"]))
        return day.year, day.month, day.day
    return year, int(match["month"]), int(match["day"])


def _zone(match: re.Match[str]) -> tzinfo:
    """The zone by its offset, which Java writes beside the name, else by its name."""
    offset, zone = match["offset"], match["zone"]
    if offset and offset[0] in "+-":
        minutes = int(offset[1:3]) * 60 + int(offset[3:].lstrip(":") or 0)
        return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
    return ZoneInfo(zone) if zone and "/" in zone else UTC
