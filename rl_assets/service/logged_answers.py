"""Answers that products send: objects of the log format `interaction_log`, of which ingestion will reject none."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import date, datetime
from threading import Lock
from typing import Any

from rl_assets.ingest.connection import connect_for_lines
from rl_assets.ingest.day import line_faults
from rl_assets.ingest.parsers import RejectedLineError, identifier, is_missing
from rl_assets.metrics.scales import Metrics
from rl_assets.service.acts import INTERACTION_LOG
from rl_assets.service.answer_rows import Answer, RecordedAnswer
from rl_assets.service.errors import ServiceError

MAX_ANSWERS = 1_000
MAX_ID, MAX_AMOUNT = 512, 1e12
REQUIRED = ("interaction_id", "timestamp", "query", "agent_type")
TEXTS = {"interaction_id", "query", "agent_type", "answer", "session_id", "user_id", "retrieval_method"}
TEXTS |= {"error_message", "category", "task", "segment", "model", "adapter", "context", "system"}
AMOUNTS = ("latency_ms", "tokens_used", "cost_usd")
PLAIN_ROLES = ("system", "user", "assistant")
# Of the century's first and last year the zone decides whether SQL accepts it.
TIME = re.compile(r"20(?!00|99)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
FIELD = re.compile(r"\w+")
SENTENCES = {
    "missing_field": "is missing or empty",
    "wrong_type": "has another type than the log format says",
    "bad_timestamp": "is no time between 2000 and 2100",
    "out_of_range": "is out of range",
    "duplicate_key": "occurs twice in one object",
}


class AnswerChecks:
    """The checks of ingestion, on lines before they land. Threads may share it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics, self._lock = metrics, Lock()

    def answers(self, body: Any, today: date, brand: str | None = None) -> list[Answer]:
        """The lines to keep, with a `brand` those of its segment. Raises ServiceError with the field at fault: 422 for
        an object that is no line, 404 for one of another segment."""
        rows = body if isinstance(body, list) else [body]
        if not 1 <= len(rows) <= MAX_ANSWERS:
            raise ServiceError(422, f"{len(rows)} answers: send 1 to {MAX_ANSWERS:,} at a time")
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise ServiceError(422, f"{_which(rows, number)} is no object", _field(rows, number, ""))
        if brand is not None:
            rows = [_of_brand(rows, number, brand) for number in range(len(rows))]
        odd = [number for number, row in enumerate(rows) if not is_plain(row)]
        if odd:
            self._check(rows, odd, today)
        return [_answer(row, _which(rows, number)) for number, row in enumerate(rows)]

    def _check(self, rows: list[dict[str, Any]], numbers: list[int], today: date) -> None:
        """What SQL says of rows that are not obviously lines of the format."""
        lines = [_line(rows[number]) for number in numbers]
        with self._lock, closing(connect_for_lines("512MB")) as connection:
            faults = line_faults(connection, lines, INTERACTION_LOG, today, self._metrics)
        if faults:
            first = min(faults)
            reason, detail = faults[first]
            name = FIELD.match(detail)
            field = name.group() if name else ""
            sentence = SENTENCES.get(reason, reason)
            more = f" ({detail})" if detail != field else ""
            number = numbers[first]
            where = f"{_which(rows, number)}: {field} {sentence}{more}"
            raise ServiceError(422, where, _field(rows, number, field))


def _of_brand(rows: list[dict[str, Any]], number: int, brand: str) -> dict[str, Any]:
    """An answer with the segment of the key that sends it."""
    segment = rows[number].get("segment")
    if not is_missing(segment) and segment != brand:
        field = _field(rows, number, "segment")
        raise ServiceError(404, f"{_which(rows, number)}: there is no segment {segment!r} here, only {brand}", field)
    return {**rows[number], "segment": brand}


def is_plain(row: dict[str, Any]) -> bool:
    """Whether a row is surely a line of the format: usual fields with values of the usual types, and no others."""
    return all(not is_missing(row.get(name)) for name in REQUIRED) and all(
        _is_plain_value(name, value) for name, value in row.items()
    )


def _is_plain_value(name: str, value: Any) -> bool:
    return name in CHECKS and CHECKS[name](value)


def _is_plain_message(message: Any) -> bool:
    is_message = isinstance(message, dict) and message.keys() == {"role", "content"} and message["role"] in PLAIN_ROLES
    return is_message and isinstance(message["content"], str) and not is_missing(message["content"])


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not is_missing(value)


def _is_number(value: Any, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def _is_time(value: Any) -> bool:
    if not isinstance(value, str) or not TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


# By field, whether a value is surely what SQL accepts.
CHECKS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(TEXTS, _is_text),
    **dict.fromkeys(AMOUNTS, lambda value: _is_number(value, MAX_AMOUNT)),
    "timestamp": _is_time,
    "error_occurred": lambda value: isinstance(value, bool),
    "tools_used": lambda value: isinstance(value, list) and all(isinstance(tool, str) for tool in value),
    "quality_scores": lambda value: isinstance(value, dict) and all(_is_number(score, 1) for score in value.values()),
    "messages": lambda value: isinstance(value, list) and all(map(_is_plain_message, value)),
    "sources": lambda value: True,
}


def raise_conflicts(recorded: list[RecordedAnswer]) -> None:
    """Raises ServiceError (409) if an id was kept before with other content; all other answers were kept."""
    if taken := [answer.interaction_id for answer in recorded if answer.status == "conflict"]:
        raise ServiceError(
            409,
            f"{len(taken)} of these ids were sent before with other content, the first {taken[0]!r}: what came first "
            "is kept, and so are all other answers of the request",
            "interaction_id",
        )


def _answer(row: dict[str, Any], which: str) -> Answer:
    interaction_id = identifier_of(row, "interaction_id") or str(row["interaction_id"])
    if len(interaction_id) > MAX_ID:
        raise ServiceError(422, f"{which}: interaction_id has more than {MAX_ID} characters", "interaction_id")
    return Answer(interaction_id, _line(row), identifier_of(row, "user_id"))


def identifier_of(row: Mapping[str, Any], field: str) -> str | None:
    """An id as ingestion reads it, so that it is found under the name that the lake has; None if it is none."""
    try:
        return identifier(row, field)
    except RejectedLineError:
        return None


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, sort_keys=True)


def _which(rows: list[Any], number: int) -> str:
    return "the answer" if len(rows) == 1 else f"answer {number + 1} of {len(rows)}"


def _field(rows: list[Any], number: int, field: str) -> str:
    return ".".join(part for part in (str(number) if len(rows) > 1 else "", field) if part)
