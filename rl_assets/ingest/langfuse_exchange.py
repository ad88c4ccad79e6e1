"""Which of a trace's generations is its answer.

A trace holds the calls of a model that led to its answer, and others: a title of the chat, tags, follow-up questions,
a judge. The answer is the latest generation that says what the trace itself returned. If the trace returned a text
that no generation wrote, it is that text; if it does not say what it returned, it is that of its latest generation
that is no such side task.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from rl_assets.ingest.logged_texts import LoggedOutput, read_input, read_output
from rl_assets.ingest.message_shapes import Turns, decode
from rl_assets.ingest.parsers import Json, RejectedLineError, timestamp
from rl_assets.ingest.vendor_fields import first_of, joined
from rl_assets.ingest.vendor_messages import read_finish_reason

SIDE_NAME = re.compile(
    r"(?:\b|_)(?:titles?|tags?|tagging|emoji|follow[\s_-]?ups?|suggest\w*|autocomplet\w*|moderat\w*|guard\w*|judges?"
    r"|evaluat\w*|critic)(?:\b|_)",
    re.IGNORECASE,
)
SIDE_TASK = re.compile(
    r"\b(?:titles?|tags?|follow[\s-]?ups?|categori[sz]e|emoji"
    r"|(?:extract|store|save|remember) (?:\w+ ){0,3}(?:facts?|memor(?:y|ies))|facts? to remember"
    r"|summari[sz]e (?:the|this) (?:\w+ )?(?:conversation|chat)"
    r"|(?:is|are|was|whether|if) (?:the|this|these|an?) (?:\w+ )?(?:response|answer|reply|message)s? "
    r"(?:is |are )?(?:safe|unsafe|harmful|correct|relevant|grounded|faithful|helpful|appropriate)"
    r"|(?:rate|grade|judge|score) (?:the|this) (?:\w+ )?(?:response|answer|reply))\b",
    re.IGNORECASE,
)
TASK_CHARACTERS = 300
MIN_SHARED = 20  # Shorter texts stand in many others.
STEPS = ("TOOL", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL", "EVENT")  # types that are never the whole answer
FIRST = datetime.min.replace(tzinfo=UTC)
REASONS = ("gen_ai.response.finish_reasons", "ai.response.finishReason", "gen_ai.completion.0.finish_reason")


@dataclass(frozen=True)
class Exchange:
    """What was asked and answered: by an observation, or by the trace. An answer that failed has no text."""

    source: Json
    prompt: Turns
    answer: str | None
    finish_reason: str | None


@dataclass(frozen=True)
class Unread:
    """A generation that cannot be read: when it started and its place, and why."""

    moment: tuple[datetime, int]
    row: Json
    detail: str

    @property
    def has_output(self) -> bool:
        return self.row.get("output") not in (None, "")


class Observations:
    """The observations of a trace, read once. `faults` are those whose time cannot be read."""

    def __init__(self, rows: list[Json]) -> None:
        self.rows = rows
        self.faults: dict[int, RejectedLineError] = {}  # by the identity of the row
        self.unread: list[Unread] = []
        self.by_id = {str(row["id"]): row for row in rows if row.get("id")}
        self.first_start: datetime | None = None
        timed = list[tuple[datetime, int, Exchange]]()
        for place, row in enumerate(rows):
            try:
                start = timestamp(row, "startTime")
            except RejectedLineError as error:
                self.faults[id(row)] = error.inside(f"the observation {row.get('id') or place}")
                continue
            self.first_start = min(filter(None, (start, self.first_start)), default=None)
            if not _is_generation(row):
                continue
            try:
                timed.append((start or FIRST, place, read_exchange(row, by_model=True)))
            except RejectedLineError as error:
                self.unread.append(Unread((start or FIRST, place), row, error.detail))
        timed.sort(key=lambda each: each[:2])
        self.generations = [exchange for _, _, exchange in timed]
        self._moments = {id(exchange): (start, place) for start, place, exchange in timed}

    @cached_property
    def main(self) -> list[Exchange]:
        """The generations that are no side task, in order of time."""
        return [each for place, each in enumerate(self.generations) if not _is_side(each, self.generations[:place])]

    def may_say_other(self, shown: str) -> bool:
        """Whether the trace may have changed what its latest generation said: all that have an output can be read, and
        the latest does not ask for a title or the like of what the trace returned."""
        if not self.main or any(each.has_output for each in self.unread):
            return False
        return not _asks_side_task(self.main[-1], [shown])

    def latest(self) -> Exchange | None:
        """The latest generation that is no side task, or the latest of all. Raises an error if one that cannot be read
        would be it."""
        latest = (self.main or self.generations)[-1:]
        since = self._moments[id(self.main[-1])] if self.main else (FIRST, -1)
        for unread in self.unread:
            if latest and unread.moment > since and unread.has_output and not SIDE_NAME.search(_name_of(unread.row)):
                raise RejectedLineError("missing_field", f"a generation that can be read: {unread.detail}")
        return latest[0] if latest else None

    @cached_property
    def root(self) -> Json | None:
        """The observation that encloses all others, if there is one."""
        roots = [row for row in self.rows if str(row.get("parentObservationId")) not in self.by_id]
        return roots[0] if len(roots) == 1 else None

    def enclosing(self, row: Json) -> list[Json]:
        """The observation and those around it, from within."""
        chain = [row]
        seen = {id(row)}
        while (parent := self.by_id.get(str(chain[-1].get("parentObservationId")))) and id(parent) not in seen:
            chain.append(parent)
            seen.add(id(parent))
        return chain

    def answers(self, name: str, exchange: Exchange) -> bool:
        """Whether the observation of that id is the answer: its generation, the root, or one of the same output."""
        row = self.by_id.get(name)
        if row is None:
            return False
        if row is exchange.source or (row is self.root and str(row.get("type")).upper() not in STEPS):
            return True
        output = _output(row, by_model=True)
        return output is not None and exchange.answer is not None and output.text.strip() == exchange.answer.strip()


def choose_exchange(trace: Json, observations: Observations) -> Exchange:
    """The answer of a trace. Raises an error that names what cannot be read if it has none."""
    returning = next((row for row in (trace, observations.root) if row and _output(row, _is_generation(row))), None)
    returned = returning and _output(returning, _is_generation(returning))
    if returning and returned and returned.is_text and (shown := returned.text.strip()):
        copied = _output(returning, by_model=True)  # of a trace that repeats the JSON of its model
        said = {shown, copied.text.strip() if copied else shown}
        same = [each for each in observations.generations if (each.answer or "").strip() in said]
        near = [each for each in observations.main if _share((each.answer or "").strip(), shown)]
        if same or near:
            return (same or near)[-1]
        if own := _own_exchange(trace, observations):
            return own
        if not observations.may_say_other(shown):
            raise RejectedLineError("missing_field", _nothing_read(trace, observations))
    try:
        latest = observations.latest()
    except RejectedLineError:
        if own := _own_exchange(trace, observations):
            return own
        raise
    if latest or (latest := _own_exchange(trace, observations)):
        return latest
    raise RejectedLineError("missing_field", _nothing_read(trace, observations))


def _nothing_read(trace: Json, observations: Observations) -> str:
    detail = observations.unread[-1].detail if observations.unread else None
    if detail is None:
        try:
            read_exchange(trace, by_model=False)
        except RejectedLineError as error:
            detail = error.detail
    return f"a generation whose input and output can be read: {detail}"


def read_exchange(row: Json, by_model: bool) -> Exchange:
    """The prompt and answer of an observation or trace. Raises an error that names the shape that is not known."""
    prompt = read_input(row.get("input"), "input", by_model)
    if row.get("output") in (None, "") and str(row.get("level")).upper() == "ERROR":
        return Exchange(row, prompt, None, None)
    output = read_output(row.get("output"), "output", by_model)
    if not output.text:
        raise RejectedLineError("missing_field", "output is an empty text")
    return Exchange(row, prompt, output.text, output.finish_reason or _reason_in_metadata(row))


def error_of(exchange: Exchange, trace: Json, observations: Observations) -> tuple[bool, str | None]:
    """Whether the answer or what encloses it failed, and why."""
    rows = observations.enclosing(exchange.source)
    if exchange.source is trace:
        rows = [observations.root] if observations.root else []
    failed = [row for row in rows if str(row.get("level")).upper() == "ERROR"]
    return bool(failed), joined(row.get("statusMessage") for row in failed[:1])


def _own_exchange(trace: Json, observations: Observations) -> Exchange | None:
    for row in (trace, observations.root):
        try:
            if row is not None:
                return read_exchange(row, _is_generation(row))
        except RejectedLineError:
            continue
    return None


def _output(row: Json, by_model: bool) -> LoggedOutput | None:
    try:
        return read_output(row.get("output"), "output", by_model)
    except RejectedLineError:
        return None


def _is_generation(row: Json) -> bool:
    return str(row.get("type")).upper() == "GENERATION"


def _share(one: str, other: str) -> bool:
    return min(len(one), len(other)) >= MIN_SHARED and (one in other or other in one)


def _name_of(row: Json) -> str:
    return str(row.get("name") or "")


def _is_side(exchange: Exchange, earlier: list[Exchange]) -> bool:
    """Whether a generation is a side task, by its name, or because it asks for a title or the like of an answer, or of
    the question of an earlier generation that has other instructions."""
    if SIDE_NAME.search(_name_of(exchange.source)):
        return True
    if _asks_side_task(exchange, [(each.answer or "").strip() for each in earlier]):
        return True
    others = [each for each in earlier if _system_of(each) != _system_of(exchange)]
    asked = {each.prompt[-1]["content"].strip() for each in others}
    return bool(SIDE_TASK.search(_system_of(exchange))) and any(text and text in _last_of(exchange) for text in asked)


def _asks_side_task(exchange: Exchange, answers: list[str]) -> bool:
    """Whether it quotes one of the answers, and asks for a side task in the same turn or in its instructions."""
    last = _last_of(exchange)
    is_side_task = SIDE_TASK.search(last[:TASK_CHARACTERS]) or SIDE_TASK.search(_system_of(exchange))
    return bool(is_side_task) and any(answer and answer in last for answer in answers)


def _last_of(exchange: Exchange) -> str:
    return exchange.prompt[-1]["content"]


def _system_of(exchange: Exchange) -> str:
    """The beginning of the instructions in front of the conversation."""
    first = exchange.prompt[0]
    return first["content"][:TASK_CHARACTERS] if first["role"] == "system" else ""


def _reason_in_metadata(row: Json) -> str | None:
    """Why the model stopped, as OpenTelemetry's attributes say it."""
    metadata: Any = decode(row.get("metadata"))
    attributes = decode(metadata.get("attributes")) if isinstance(metadata, dict) else None
    reason = decode(first_of(attributes, *REASONS)) if isinstance(attributes, dict) else None
    return read_finish_reason({"finish_reason": reason[0] if isinstance(reason, list) and reason else reason})
