"""Assigned times: every question gets a day and a second from its hash, so a rebuild gives the same log."""

from datetime import UTC, date, datetime, time, timedelta

from rl_assets.core.files import sha256_text

FIRST_DAY = date(2026, 10, 1)
DAYS = [FIRST_DAY + timedelta(days=number) for number in range(14)]
END = datetime.combine(DAYS[-1] + timedelta(days=1), time(), tzinfo=UTC)

LATE_SHARE = 0.04
BURST_SECONDS = 120


def stable_fraction(*parts: str) -> float:
    """A number in [0, 1) that depends on the parts alone: the first 52 bits of their sha256."""
    return int(sha256_text("\x1f".join(parts))[:13], 16) / 16**13


def answered_at(key: str, part: str) -> datetime:
    """When an answer was given: its day and second from `key`, then up to two minutes from `part`.

    The answers to one question lie close together, as they do where several agents are compared.
    """
    day = DAYS[int(stable_fraction("day", key) * len(DAYS))]
    second = int(stable_fraction("second", key) * (86_400 - BURST_SECONDS))
    burst = int(stable_fraction("burst", key, part) * BURST_SECONDS)
    return datetime.combine(day, time(), tzinfo=UTC) + timedelta(seconds=second + burst)


def rated_at(answered: datetime, key: str) -> datetime:
    """When feedback was given: 1 minute to 6 hours after the answer, for 4 % 1 to 5 days after it.

    What would fall behind the last day is moved to half of the time that is left, so no verdict is lost.
    """
    spread = stable_fraction("delay", key)
    late = stable_fraction("late", key) < LATE_SHARE
    delay = 86_400 * (1 + 4 * spread) if late else 60 + spread * (6 * 3600 - 60)
    given = answered + timedelta(seconds=int(delay))
    return given if given < END else answered + timedelta(seconds=(END - answered).total_seconds() // 2)


def iso(moment: datetime) -> str:
    """ISO-8601 in UTC with a Z and whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
