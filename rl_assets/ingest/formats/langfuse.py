"""Log format `langfuse`: traces of Langfuse, with their observations, scores and corrections.

A line is one of:

- a trace with its observations, as its page downloads it: {trace: {id, timestamp, name, sessionId, userId, input,
  output, scores[], corrections[]}, observations: [{type, startTime, endTime, model, input, output, level, usageDetails,
  totalCost}]}, or the observations inside the trace, as the API gives it;
- a trace, an observation or a score alone, in the spelling of the API (`traceId`) or of the scheduled blob storage
  export (`trace_id`). Those of one trace are joined, whatever file of the day they are in. Observations without their
  trace are read if they name its user, as those of newer exports (`observations_v2`) do; else they are rejected.

A trace is one answer, see `rl_assets.ingest.langfuse_exchange`; an observation that is joined to it counts as its
duplicate. A score on an observation that is not the answer stays feedback on that observation. A score that cannot be
read does not cost the answer. Inputs and outputs may have any shape of `rl_assets.ingest.logged_texts`. Score ranges
are settings.

Source: the API reference of langfuse.com, and its page on the export to blob storage.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.langfuse_exchange import Exchange, Observations, choose_exchange, error_of
from rl_assets.ingest.langfuse_fields import FIELDS, cost_of, kind_of, model_of, spelled, tokens_of
from rl_assets.ingest.langfuse_scores import read_score, read_scores, scores_by_name
from rl_assets.ingest.message_shapes import decode
from rl_assets.ingest.parsers import Json, RejectedLineError, identifier, required, text, timestamp
from rl_assets.ingest.vendor_fields import milliseconds, shape_of, unread

__all__ = ["FIELDS", "join_key", "joined_records", "records"]
ALONE = (
    "an observation of a blob storage export without its trace, which holds its user: land the files of traces, "
    "observations and scores of a day together"
)
AnswerOf = Callable[[Json], str]
Outcome = Records | RejectedLineError


def records(row: Json, context: LineContext) -> Records:
    """The answer of a trace with all its scores and corrections, or what a line alone holds."""
    trace = decode(row["trace"]) if "trace" in row else row
    if not isinstance(trace, dict):
        raise unread("trace", trace)
    trace = spelled(trace)
    inner = _objects(row, "observations") or _objects(trace, "observations")
    if not inner and "trace" not in row:
        return _raised(joined_records([row], context)[0])
    observations = Observations([*map(spelled, inner)])
    if observations.faults:
        raise next(iter(observations.faults.values()))
    return _answer(trace, observations, context)[0]


def join_key(row: Json) -> str | None:
    """The trace of a line that holds a part of it; None if the line stands alone."""
    if "trace" in row:
        return None
    given = spelled(row)
    kind = kind_of(given)
    try:
        if kind == "trace":
            return None if _objects(given, "observations") else identifier(given, "id")
        return identifier(given, "traceId") if kind else None
    except RejectedLineError:
        return None


def joined_records(rows: list[Json], context: LineContext) -> list[Outcome]:
    """What each of the lines of one trace holds."""
    given = [spelled(row) for row in rows]
    kinds = [kind_of(row) for row in given]
    group = _Group([row for row, kind in zip(given, kinds, strict=True) if kind == "observation"], context)
    places = [place for place, kind in enumerate(kinds) if kind == "trace"]
    traces = {place: _outcome(partial(group.trace, given[place])) for place in places}
    if not traces:
        group.read_without_trace()
    readers = {"observation": group.observation, "score": group.score, None: _unknown}
    return [
        traces[place] if kind == "trace" else _outcome(partial(readers[kind], given[place]))
        for place, kind in enumerate(kinds)
    ]


def _unknown(row: Json) -> Records:
    if isinstance(row.get("data"), list):
        detail = "a page of Langfuse's API: land each object of its `data` as a line of its own (jq -c '.data[]')"
        raise RejectedLineError("unknown_kind", detail)
    raise RejectedLineError("unknown_kind", f"no trace, observation or score of Langfuse: {shape_of(row)}")


class _Group:
    """The lines of one trace, and its answer as far as it is read."""

    def __init__(self, observations: list[Json], context: LineContext) -> None:
        self.observations, self.context = Observations(observations), context
        self.exchange: Exchange | None = None
        self.answer: Records | None = None
        self.own_line: Json | None = None  # of an answer without a line of its trace
        self.fault = RejectedLineError("missing_field", "an answer of the trace")

    def trace(self, row: Json) -> Records:
        try:
            self.answer, self.exchange = _answer(row, self.observations, self.context)
        except RejectedLineError as error:
            self.fault = error.inside(f"trace {row.get('id')}")
            raise
        return self.answer

    def read_without_trace(self) -> None:
        """Read the answer of observations that name their user themselves."""
        rows = self.observations.rows
        if not any("userId" in row for row in rows):
            self.fault = RejectedLineError("missing_field", ALONE)
            return
        names = {"id": "traceId", "timestamp": "traceTimestamp", "name": "traceName"}
        names |= {"userId": "userId", "sessionId": "sessionId"}
        trace = {name: next((row[own] for row in rows if row.get(own)), None) for name, own in names.items()}
        start = self.observations.first_start
        try:
            timed = {**trace, "timestamp": trace["timestamp"] or (start and start.isoformat())}
            self.answer, self.exchange = _answer(timed, self.observations, self.context)
            self.own_line = self.exchange.source
        except RejectedLineError as error:
            self.fault = error

    def observation(self, row: Json) -> Records:
        """The answer if no other line holds it, else a part of the answer."""
        name = required(identifier(row, "traceId"), "traceId")
        if id(row) in self.observations.faults or self.answer is None:
            raise self.observations.faults.get(id(row), self.fault)
        if row is self.own_line:
            return self.answer
        time = timestamp(row, "startTime") or self.answer.answers[0]["answered_at"]
        return Records([{"interaction_id": name, "answered_at": time, "prompt": None}])

    def score(self, row: Json) -> Records:
        """Feedback on the answer, on an observation that is not the answer, or on all answers of a session."""
        inner = identifier(row, "observationId")
        name = required(
            identifier(row, "traceId") or inner or identifier(row, "sessionId"),
            "traceId, observationId or sessionId of a score (one of a run of a dataset is on no answer)",
        )
        if inner and not (self.exchange and self.observations.answers(inner, self.exchange)):
            name = inner
        time = timestamp(row, "timestamp") or self.context.start
        return Records(feedback=[read_score(row, name, time, self.context.metrics)])


def _answer(trace: Json, observations: Observations, context: LineContext) -> tuple[Records, Exchange]:
    name, time = required(identifier(trace, "id"), "id"), required(timestamp(trace, "timestamp"), "timestamp")
    exchange = choose_exchange(trace, observations)
    source: Json = {} if exchange.source is trace else exchange.source
    failed, why = error_of(exchange, trace, observations)
    answer = {
        "interaction_id": name,
        "answered_at": time,
        "prompt": exchange.prompt,
        "answer": exchange.answer,
        "finish_reason": exchange.finish_reason,
        "agent": text(trace, "name") or None,
        "model": model_of(source),
        "latency_ms": milliseconds(timestamp(source, "startTime"), timestamp(source, "endTime")),
        "tokens": tokens_of(source),
        "cost_usd": cost_of(source),
        "session_id": identifier(trace, "sessionId"),
        "user_id": identifier(trace, "userId"),
        "error": failed,
        "error_message": why,
    }
    own = {**trace, "scores": trace.get("scores") or _score_columns(trace)}
    inner = {"scores": [score for row in observations.rows for score in _scores_of_observation(row)]}
    answer_of = _answer_of(name, exchange, observations)
    events, notes = read_scores(own, name, time, context.metrics, answer_of)
    inner_events, inner_notes = read_scores(inner, name, time, context.metrics, answer_of)
    return Records([answer], events + inner_events, notes + inner_notes), exchange


def _scores_of_observation(row: Json) -> list[Json]:
    """The scores that the row of an observation holds, as the export of Langfuse's pages has them."""
    name = row.get("id")
    columns = decode(row.get("scores")) or _score_columns(row)
    if isinstance(columns, list):
        return [{"observationId": name, **score} for score in columns if isinstance(score, dict)]
    if not isinstance(name, str) or not isinstance(columns, dict):
        return []
    return [{**score, "observationId": name} for score in scores_by_name(columns, name)]


def _score_columns(row: Json) -> dict[str, list[Any]]:
    """The columns of an export of Langfuse's pages that are scores: lists of values under their names."""
    if "observationCount" not in row and "traceName" not in row:
        return {}
    lists = {name: value for name, value in row.items() if name not in FIELDS and isinstance(value, list) and value}
    return {name: value for name, value in lists.items() if all(isinstance(each, str | int | float) for each in value)}


def _answer_of(name: str, exchange: Exchange, observations: Observations) -> AnswerOf:
    """What a score is on: the answer, or an observation that is not the answer."""

    def target(score: Json) -> str:
        inner = identifier(score, "observationId")
        return name if inner is None or observations.answers(inner, exchange) else inner

    return target


def _objects(row: Json, field: str) -> list[Json]:
    """The objects of a list; the API's list of traces names observations by their ids only."""
    values = decode(row.get(field)) or []
    if not isinstance(values, list) or not all(isinstance(value, dict | str) for value in values):
        raise RejectedLineError("wrong_type", field)
    return [value for value in values if isinstance(value, dict)]


def _outcome(read: Callable[[], Records]) -> Outcome:
    try:
        return read()
    except RejectedLineError as error:
        return error


def _raised(outcome: Outcome) -> Records:
    if isinstance(outcome, RejectedLineError):
        raise outcome
    return outcome
