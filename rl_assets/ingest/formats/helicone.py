"""Log format `helicone`: requests as Helicone's export tool and API give them, with bodies.

Source: the type `HeliconeRequest` of Helicone/helicone.
{request_id, request_created_at, request_body: {messages, ...}, response_body: {choices, ...}, response_status,
request_model, response_model, model, request_user_id, properties or request_properties, delay_ms, total_tokens,
costUSD or cost, feedback_rating: true or false, feedback_created_at, scores: {name: number}, llmSchema?: {request,
response}}.

Bodies are those of OpenAI, Anthropic and Gemini; a missing body is read from `llmSchema`. A rating is a thumb,
a score a judge's reward of the dimension of its name. The properties `Helicone-Session-Id`, `agent`, `category` and
`task` are columns. A request that failed is an answer without a text.
"""

from typing import Any

from rl_assets.ingest.conversion import LineContext, Records
from rl_assets.ingest.message_shapes import Turns
from rl_assets.ingest.parsers import Json, RejectedLineError, identifier, number, required, score, timestamp
from rl_assets.ingest.vendor_fields import (
    feedback_events,
    first_of,
    flag_of,
    object_in,
    shape_of,
    thumb_event,
    unread,
    whole,
)
from rl_assets.ingest.vendor_messages import read_answer, read_finish_reason, read_prompt

# Those of the source that are not read are named too, so that only what is new is counted.
FIELDS = (
    *("request_id", "request_created_at", "request_body", "request_path", "request_user_id"),
    *("request_properties", "request_model", "request_referrer", "model_override", "response_id"),
    *("response_created_at", "response_body", "response_status", "response_model", "helicone_user"),
    *("provider", "delay_ms", "time_to_first_token", "total_tokens", "prompt_tokens"),
    *("prompt_cache_write_tokens", "prompt_cache_read_tokens", "completion_tokens", "reasoning_tokens"),
    *("prompt_audio_tokens", "completion_audio_tokens", "cost", "costUSD", "prompt_id", "prompt_version"),
    *("feedback_created_at", "feedback_id", "feedback_rating", "signed_body_url", "llmSchema"),
    *("country_code", "asset_ids", "asset_urls", "assets", "scores", "properties", "target_url", "model"),
    *("cache_reference_id", "cache_enabled", "updated_at", "ai_gateway_body_mapping", "storage_location"),
)
FAILED = 400
NOT_LOGGED = "helicone_message"  # stands for a body that was too large, or that is no chat


def records(row: Json, context: LineContext) -> Records:
    """The answer of a request, with its rating and scores."""
    if "request_id" not in row:
        raise RejectedLineError("unknown_kind", f"no request of Helicone (request_id): {shape_of(row)}")
    name = required(identifier(row, "request_id"), "request_id")
    time = timestamp(row, "request_created_at") or context.start
    about = {**object_in(row, "request_properties"), **object_in(row, "properties")}
    failed = (number(row, "response_status") or 0) >= FAILED
    prompt, answer, reason = _exchange(row, failed)
    answer_row = {
        "interaction_id": name,
        "answered_at": time,
        "prompt": prompt,
        "answer": answer,
        "finish_reason": reason,
        **{field: _text(about.get(field)) for field in ("agent", "category", "task")},
        "model": _text(first_of(row, "response_model", "model", "model_override", "request_model")),
        "latency_ms": number(row, "delay_ms"),
        "tokens": whole(number(row, "total_tokens")),
        "cost_usd": number({"cost": first_of(row, "costUSD", "cost")}, "cost"),
        "session_id": _text(about.get("Helicone-Session-Id")),
        "user_id": _text(first_of(row, "request_user_id", "helicone_user")),
        "error": failed,
        "error_message": f"status {row['response_status']}" if failed else None,
    }
    events, notes = _feedback(row, name, context)
    return Records([answer_row], feedback_events(events, interaction_id=name, given_at=time), notes)


def _text(value: Any) -> str | None:
    return identifier({"name": value}, "name") if value not in (None, "") else None


def _exchange(row: Json, failed: bool) -> tuple[Turns, str | None, str | None]:
    normalized = object_in(row, "llmSchema")
    request, response = (
        body if (body := object_in(row, f"{side}_body")) and NOT_LOGGED not in body else object_in(normalized, side)
        for side in ("request", "response")
    )
    if not request or (not response and not failed):
        missing = "request_body" if not request else "response_body"
        raise unread(missing, row.get(missing))
    prompt = read_prompt(request, "request_body")
    return prompt, None if failed else read_answer(response, "response_body"), read_finish_reason(response)


def _feedback(row: Json, name: str, context: LineContext) -> tuple[list[dict[str, Any]], list[str]]:
    """The events of a request, and a note on each score that is none: it does not cost the answer."""
    events, notes = list[dict[str, Any]](), list[str]()
    if (thumb := flag_of(row.get("feedback_rating"))) is not None:
        given_at = timestamp(row, "feedback_created_at")
        events.append(
            {**thumb_event(thumb), "feedback_id": f"{name}-thumbs", **({"given_at": given_at} if given_at else {})}
        )
    elif row.get("feedback_rating") is not None:
        notes.append(f"feedback: feedback_rating is {shape_of(row['feedback_rating'])}")
    for metric, raw in object_in(row, "scores").items():
        try:
            value = float(raw) if isinstance(raw, bool) else required(number({metric: raw}, metric), metric)
            judged = {"source": "judge", **score(context.metrics, metric, value)}
        except RejectedLineError as error:
            notes.append(error.detail if error.reason == "out_of_range" else f"feedback: {error}")
        else:
            events.append({"kind": "reward", "feedback_id": f"{name}-{metric}", **judged})
    return events, notes
