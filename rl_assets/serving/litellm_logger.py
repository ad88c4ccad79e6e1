"""Answers that a LiteLLM proxy or client gave, logged to the feedback service: a custom callback of LiteLLM.

In the file that `litellm_settings.callbacks` of a proxy names, or for `litellm.callbacks` of a program:

    from rl_assets.serving.litellm_logger import litellm_callback
    handler = litellm_callback()

It reads LiteLLM's `standard_logging_object`. Fields of `interaction_log` in a request's metadata are kept.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rl_assets.logger import Interaction, InteractionLogger, get_interaction_logger

AGENT = "litellm"
FROM_METADATA = (
    "category",
    "segment",
    "task",
    "adapter",
    "propensity",
    "assigned_arm",
    "drawn",
    "arms",
    "policy_version",
)
MAX_ERROR = 2_000
REDACTED = "redacted-by-litellm"


def litellm_callback(logger: InteractionLogger | None = None) -> Any:
    """A callback for `litellm.callbacks`; `logger` is that of the process by default. Needs the package litellm."""
    from litellm.integrations.custom_logger import CustomLogger

    class FeedbackLogger(CustomLogger):  # type: ignore[misc]
        """Logs each call once: LiteLLM may report it to both forms, and the id is its own."""

        def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            _log(kwargs, logger)

        def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            _log(kwargs, logger)

        async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            _log(kwargs, logger)

        async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            _log(kwargs, logger)

    return FeedbackLogger()


def _log(kwargs: Mapping[str, Any], logger: InteractionLogger | None) -> None:
    interaction = interaction_of(kwargs.get("standard_logging_object") or {})
    if interaction is not None:
        (logger or get_interaction_logger()).log(interaction)


def interaction_of(payload: Mapping[str, Any]) -> Interaction | None:
    """The answer of a call; None for one that is no chat, or whose texts LiteLLM was told not to log."""
    messages = payload.get("messages")
    turns = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    query = _last_question(turns) if isinstance(turns, list) else None
    if not query or query == REDACTED:
        return None
    metadata = payload.get("metadata") or {}
    asked = metadata.get("requester_metadata") or {}
    start = payload.get("startTime")
    return Interaction(
        query,
        _answer_of(payload.get("response")),
        agent_type=asked.get("agent_type") or payload.get("model_group") or AGENT,
        latency_ms=_milliseconds(start, payload.get("endTime")) or 0,
        session_id=asked.get("session_id") or payload.get("trace_id"),
        user_id=payload.get("end_user") or None,
        error_occurred=payload.get("status") == "failure",
        error_message=(payload.get("error_str") or "")[:MAX_ERROR] or None,
        tokens_used=payload.get("total_tokens") or None,
        cost_usd=payload.get("response_cost"),
        interaction_id=payload.get("id") or "",
        timestamp=datetime.fromtimestamp(start, UTC) if start else "",
        further={
            "messages": turns,
            **_present("model", payload.get("model")),
            **_present("finish_reason", _choice(payload.get("response")).get("finish_reason")),
            **_first_token(payload),
            **{name: asked[name] for name in FROM_METADATA if asked.get(name) is not None},
        },
    )


def _last_question(turns: list[Any]) -> str | None:
    contents = [turn.get("content") for turn in turns if isinstance(turn, dict) and turn.get("role") == "user"]
    content = contents[-1] if contents else None
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = "\n".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else None


def _answer_of(response: Any) -> str | None:
    if isinstance(response, str):
        return response or None
    content = (_choice(response).get("message") or {}).get("content")
    return content if isinstance(content, str) else None


def _choice(response: Any) -> dict[str, Any]:
    """The first choice of a chat completion; empty for anything else."""
    choices = response.get("choices") if isinstance(response, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _first_token(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The time to the first token, which LiteLLM knows of streams."""
    if not payload.get("stream"):
        return {}
    return _present("first_token_ms", _milliseconds(payload.get("startTime"), payload.get("completionStartTime")))


def _present(name: str, value: Any) -> dict[str, Any]:
    return {} if value is None else {name: value}


def _milliseconds(start: Any, end: Any) -> float | None:
    return round((end - start) * 1000, 3) if start and end else None
