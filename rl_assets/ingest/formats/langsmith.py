"""Log format `langsmith`: runs and feedback as LangSmith's SDK, API and bulk export give them.

Source: `Run`, `Feedback` and `FeedbackSourceBase` of langchain-ai/langsmith-sdk (python/langsmith/schemas.py), and the
pages on the data formats of runs and feedback of docs.langchain.com.

- A run {id, name, run_type, inputs, outputs, error, start_time, end_time, extra: {metadata, invocation_params},
  trace_id, parent_run_id, total_tokens, total_cost, feedback?: [...], feedback_stats?}. A root run, and a run of the
  type `llm` inside a trace, is an answer; other runs (tools, retrievers, parsers, inner chains) are rejected as such.
  Inputs and outputs are objects, or JSON inside a text: messages of LangChain or OpenAI, or one text. An output of
  other fields is kept as JSON.
- A feedback {id, run_id, key, score, value, comment, correction, feedback_source: {type: api, app, model, auto_eval,
  user_id}}, on a line of its own or in the list `feedback` of its run. A score is a reward of the dimension `key`;
  without a score it is a comment. A model's feedback is a judge's. A correction with nothing but a score, value
  or comment is a person's verdict of the same `key`, beside the one that it corrects; any other is the better answer.

Without such a list, the averages of `feedback_stats` are rewards; they do not say how many people gave them.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.message_parts import as_json
from rl_assets.ingest.message_shapes import Turns, decode
from rl_assets.ingest.parsers import Json, RejectedLineError, identifier, number, required, score, text, timestamp
from rl_assets.ingest.response_shapes import ANSWERS, LISTS, are_choices
from rl_assets.ingest.vendor_fields import first_of, joined, milliseconds, object_in, objects_in, shape_of, whole
from rl_assets.ingest.vendor_messages import read_answer, read_finish_reason, read_prompt, read_turns

# Those of the source that are not read are named too, so that only what is new is counted.
FIELDS = (
    *("id", "name", "run_type", "inputs", "outputs", "error", "start_time", "end_time"),
    *("first_token_time", "status", "extra", "metadata", "tags", "events", "serialized", "attachments"),
    *("reference_example_id", "reference_dataset_id", "trace_id", "parent_run_id", "parent_run_ids"),
    *("child_run_ids", "child_runs", "direct_child_run_ids", "session_id", "thread_id", "app_path"),
    *("manifest_id", "dotted_order", "execution_order", "in_dataset", "is_root", "latency"),
    *("total_tokens", "prompt_tokens", "completion_tokens", "prompt_token_details"),
    *("completion_token_details", "total_cost", "prompt_cost", "completion_cost", "prompt_cost_details"),
    *("completion_cost_details", "feedback", "feedbacks", "feedback_stats", "inputs_preview"),
    *("outputs_preview", "inputs_s3_urls", "outputs_s3_urls", "s3_urls", "share_token", "price_model_id"),
    *("tenant_id", "trace_tier", "ttl_seconds", "last_queued_at", "run_id", "key", "score", "value"),
    *("comment", "correction", "feedback_source", "created_at", "modified_at"),
    *("comparative_experiment_id", "feedback_group_id", "feedback_thread_id"),
)
SOURCES = {"model": "judge", "auto_eval": "judge", "evaluator": "judge"}
VERDICT = {"score", "value", "comment"}
RETURNED = ("output", "result", "response", "answer")
KNOWN_OUTPUTS = {"generations", "choices", "candidates", "message", "messages", "role", "lc", *ANSWERS}
Event = dict[str, Any]
EventParser = Callable[[], Event | None]


def records(row: Json, context: LineContext) -> Records:
    """The answer of a run with its feedback, or one feedback."""
    if "run_type" in row:
        return _run(row, context)
    if "key" in row and ("run_id" in row or "trace_id" in row):
        return _alone(row, context)
    raise RejectedLineError("unknown_kind", f"neither a run (run_type) nor feedback (key, run_id): {shape_of(row)}")


def _run(row: Json, context: LineContext) -> Records:
    name = required(identifier(row, "id"), "id")
    kind, parent = row.get("run_type"), identifier(row, "parent_run_id")
    if kind not in ("llm", "chain") or (kind == "chain" and parent):
        inside = f" inside {parent}" if parent else ""
        raise RejectedLineError("unknown_kind", f"a run of the type '{kind}'{inside} is no answer")
    start, end = timestamp(row, "start_time"), timestamp(row, "end_time")
    prompt, answer = _exchange(row)
    extra = object_in(row, "extra")
    about = {**object_in(row, "metadata"), **object_in(extra, "metadata")}
    settings = object_in(extra, "invocation_params")
    answer_row = {
        "interaction_id": name,
        "answered_at": start or context.start,
        "prompt": prompt,
        "answer": answer,
        "finish_reason": read_finish_reason(row.get("outputs")),
        "agent": text(row, "name"),
        "model": first_of(about, "ls_model_name", "model") or first_of(settings, "model", "model_name"),
        "latency_ms": milliseconds(start, end),
        "tokens": whole(number(row, "total_tokens")),
        "cost_usd": number(row, "total_cost"),
        "session_id": _name(first_of(about, "thread_id", "session_id", "conversation_id") or row.get("trace_id")),
        "user_id": _name(first_of(about, "user_id", "user")),
        "error": bool(row.get("error")),
        "error_message": joined([row.get("error")]),
    }
    return Records([answer_row], *_feedback(row, name, start or context.start, context))


def _name(value: Any) -> str | None:
    return identifier({"name": value}, "name")


def _exchange(row: Json) -> tuple[Turns, str | None]:
    inputs, outputs = decode(row.get("inputs")), decode(row.get("outputs"))
    if outputs in (None, "", {}) and row.get("error"):
        return read_prompt(inputs, "inputs"), None
    messages = decode(outputs.get("messages")) if isinstance(outputs, dict) else None
    if isinstance(messages, list) and len(messages) > 1 and not are_choices(messages):
        # The state of a graph: the whole conversation, also the turns of earlier runs.
        return read_turns(messages[:-1], "outputs.messages"), read_answer(messages[-1], "outputs.messages")
    return read_prompt(inputs, "inputs"), _answer(outputs)


def _answer(outputs: Any) -> str:
    if not isinstance(outputs, dict) or not outputs or _names_an_answer(outputs):
        try:
            return read_answer(outputs, "outputs")
        except RejectedLineError:
            if (inner := _only_object(outputs)) is None:
                raise
            return as_json(inner)
    values = list(outputs.values())
    return values[0] if len(values) == 1 and isinstance(values[0], str) else as_json(outputs)


def _only_object(outputs: Any) -> Any:
    """The object or list that a function returned under the name of its one output; None if there is none."""
    if not isinstance(outputs, dict) or len(outputs) != 1:
        return None
    inner = next((outputs[name] for name in RETURNED if name in outputs), None)
    return inner if isinstance(inner, dict | list) and inner else None


def _names_an_answer(outputs: dict[str, Any]) -> bool:
    """Whether one of the fields is an answer or holds it; choices that are texts are those of another question."""
    known = outputs.keys() & KNOWN_OUTPUTS
    texts = {name for name in known & LISTS.keys() if isinstance(given := outputs[name], list) and _are_texts(given)}
    return bool(known - texts)


def _are_texts(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, str) for value in values)


def _alone(row: Json, context: LineContext) -> Records:
    """A feedback on a line of its own."""
    events, errors = _read(_parsers(row, None, context))
    if errors and not events:
        raise errors[0]
    return Records(feedback=events, notes=[*map(_note, errors)])


def _feedback(row: Json, name: str, time: datetime, context: LineContext) -> tuple[list[Event], list[str]]:
    """The feedback of a run, else its averages, and a note on each that cannot be read: it does not cost the answer."""
    given = objects_in(row, "feedback") or objects_in(row, "feedbacks")
    parsers = [parser for each in given for parser in _parsers({"run_id": name, **each}, time, context)]
    if not given:
        averages = object_in(row, "feedback_stats")
        parsers = [partial(_average, key, stats, name, time, context) for key, stats in averages.items()]
    events, errors = _read(parsers)
    return events, [*map(_note, errors)]


def _read(parsers: list[EventParser]) -> tuple[list[Event], list[RejectedLineError]]:
    events, errors = list[Event](), list[RejectedLineError]()
    for parse in parsers:
        try:
            event = parse()
        except RejectedLineError as error:
            errors.append(error)
        else:
            events += [event] if event else []
    return events, errors


def _note(error: RejectedLineError) -> str:
    return error.detail if error.reason == "out_of_range" else f"feedback: {error}"


def _average(key: str, stats: Any, name: str, time: datetime, context: LineContext) -> Event | None:
    raw = number(stats, "avg") if isinstance(stats, dict) else None
    if raw is None:
        return None
    sources = as_json(stats.get("sources") or []).replace("\\", "")
    return {
        "kind": "reward",
        "source": "judge" if any(f'"{kind}"' in sources for kind in SOURCES) else "human",
        "feedback_id": f"{name}-{key}",
        "interaction_id": name,
        "given_at": time,
        **score(context.metrics, key, raw),
    }


def _parsers(row: Json, time: datetime | None, context: LineContext) -> list[EventParser]:
    """The parser of a feedback's verdict, of its correction, or of both."""
    correction = decode(row.get("correction"))
    verdict, better = partial(_verdict, row, time, context), partial(_correction, row, correction, time, context)
    if correction in (None, "", {}, []):
        return [verdict]
    corrected = _as_verdict(correction, row.get("key"))
    if corrected is None:
        return [verdict, better] if row.get("score") is not None else [better]
    is_judged = any(row.get(name) not in (None, "") for name in VERDICT)
    return [*([verdict] if is_judged else []), partial(_corrected_verdict, row, corrected, time, context)]


def _as_verdict(correction: Any, key: Any) -> Json | None:
    """The verdict that corrects one: a score, a value or a comment, or the score under its key; None for an answer."""
    if isinstance(correction, int | float):
        return {"score": correction}
    if not isinstance(correction, dict):
        return None
    if correction.keys() <= VERDICT:
        return correction
    name, own = next(iter(correction.items()))
    return {"score": own} if len(correction) == 1 and name == key and isinstance(own, int | float) else None


def _common(row: Json, time: datetime | None, context: LineContext) -> Event:
    given_by = object_in(row, "feedback_source")
    about = object_in(given_by, "metadata")
    return {
        "feedback_id": required(identifier(row, "id"), "id of a feedback"),
        "interaction_id": required(identifier(row, "run_id") or identifier(row, "trace_id"), "run_id"),
        "given_at": timestamp(row, "modified_at") or timestamp(row, "created_at") or time or context.start,
        "source": SOURCES.get(str(given_by.get("type")), "human"),
        "rater": _name(first_of(given_by, "user_id") or first_of(about, "user_id", "user")),
    }


def _comment(row: Json) -> str | None:
    label = row.get("value")
    return joined([label if isinstance(label, str) else as_json(label) if label else None, row.get("comment")])


def _verdict(row: Json, time: datetime | None, context: LineContext) -> Event:
    key = required(text(row, "key"), "key")
    common, raw, comment = _common(row, time, context), row.get("score"), _comment(row)
    if raw is None and comment is None:
        raise RejectedLineError("missing_field", f"a score, value, comment or correction of the feedback '{key}'")
    if raw is None:
        return {**common, "kind": "comment", "dimension": key, "comment": comment}
    value = float(raw) if isinstance(raw, bool) else required(number(row, "score"), "score")
    return {**common, "kind": "reward", "comment": comment, **score(context.metrics, key, value)}


def _corrected_verdict(row: Json, corrected: Json, time: datetime | None, context: LineContext) -> Event:
    """The verdict of the person who corrected one; who that was is known only if the corrected one is a person's."""
    event = _verdict({**row, **dict.fromkeys(VERDICT), **corrected}, time, context)
    rater = event["rater"] if event["source"] == "human" else None
    return {**event, "feedback_id": _correction_id(event), "source": "human", "rater": rater}


def _correction(row: Json, correction: Any, time: datetime | None, context: LineContext) -> Event:
    """The better answer; the comment is on the score if there is one."""
    common = _common(row, time, context)
    about = {"feedback_id": _correction_id(common), "kind": "correction", "dimension": "overall"}
    comment = _comment(row) if row.get("score") is None else None
    return {**common, **about, "preferred": _answer(correction), "comment": comment}


def _correction_id(event: Event) -> str:
    return f"{event['feedback_id']}-correction"
