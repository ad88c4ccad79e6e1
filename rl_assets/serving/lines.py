"""A finished call of the gateway as one line of `interaction_log`.

Lines are made by the thread that writes them: a call keeps what was sent as it was, and nothing is parsed before its
last byte. Messages become plain turns as ingestion reads them, with hashes in place of pictures and files.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rl_assets.ingest.chat_messages import finish_reason, read_message
from rl_assets.ingest.message_parts import MEDIA
from rl_assets.ingest.message_shapes import Turns
from rl_assets.ingest.parsers import RejectedLineError
from rl_assets.serving.drawing import Choice
from rl_assets.serving.feedback_lines import Line
from rl_assets.serving.routing import Arm

INTERACTION_FORMAT = "interaction_log"
CLIENT_GONE = "client_gone"
CUT_OFF = "cut_off"
# As ingestion takes them.
MAX_TOKENS = 10**12


@dataclass(frozen=True)
class Caller:
    """What the caller said of the call."""

    session_id: str | None = None
    user_id: str | None = None
    segment: str | None = None
    category: str | None = None


@dataclass
class Call:
    """One call, filled in as it goes on. Times in ms from the request.

    `chunks` are the JSON values of a stream as bytes, with the time of each, and `is_done` whether it said that it is
    complete; else `whole` is the body of the answer.
    `served` and `arm` are those of the last arm that was asked, None if none was. `error` is a word or sentence.
    """

    interaction_id: str
    body: Mapping[str, Any]
    caller: Caller
    choice: Choice
    agent: str
    served: str | None = None
    arm: Arm | None = None
    fallback_reason: str | None = None
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    is_done: bool = False
    whole: bytes | None = None
    error: str | None = None
    latency_ms: float = 0.0
    ended_at: datetime | None = None

    @property
    def size(self) -> int:
        """About how many bytes of answer it holds."""
        return sum(len(chunk) for _, chunk in self.chunks) + len(self.whole or b"")


@dataclass
class Answer:
    """The first choice of an answer: its message as OpenAI's API writes it, and what came with it."""

    message: dict[str, Any] = field(default_factory=dict)
    tools: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    tokens: int | None = None
    first_token_ms: float | None = None
    error: str | None = None
    calls_tools: bool = False


def interaction_line(call: Call) -> Line:
    """The line of a call: what is not known is left out."""
    answer = _streamed(call.chunks) if call.whole is None else _whole(call.whole)
    assert call.ended_at is not None
    cut = CUT_OFF if call.chunks and not call.is_done and answer.finish_reason is None else None
    error = call.error or answer.error or cut
    text, reason = _text(answer)
    turns = [turn for message in call.body["messages"] if (turn := _turn(message))]
    line = {
        "interaction_id": call.interaction_id,
        "timestamp": call.ended_at.isoformat(),
        "query": _query(turns),
        "messages": turns,
        "system": turns[0]["content"] if turns and turns[0]["role"] == "system" else None,
        "answer": text,
        "agent_type": call.arm.agent if call.arm else call.agent,
        "model": call.arm.model if call.arm else None,
        "adapter": call.arm.adapter if call.arm else None,
        "segment": call.caller.segment,
        "category": call.caller.category,
        "session_id": call.caller.session_id,
        "user_id": call.caller.user_id,
        "propensity": call.choice.propensity,
        "arms": call.choice.shares,
        "policy_version": call.choice.policy_version,
        "assigned_arm": call.choice.arm,
        "drawn": call.choice.drawn,
        "fallback_reason": call.fallback_reason,
        "latency_ms": round(call.latency_ms, 3),
        "first_token_ms": answer.first_token_ms,
        "tokens_used": answer.tokens,
        "tools_used": answer.tools or None,
        "finish_reason": reason,
        "error_occurred": error is not None,
        "error_message": error,
    }
    return Line(INTERACTION_FORMAT, {name: value for name, value in line.items() if value is not None})


def _text(answer: Answer) -> tuple[str | None, str | None]:
    """The text of an answer, and why the model stopped.

    An answer that calls tools has none: its words without the calls would teach a model to announce calls and make
    none, and the calls as text would teach it to write them out.
    """
    try:
        message = read_message({**answer.message, "role": "assistant"}, "choices")
    except RejectedLineError:
        return None, None
    reason = finish_reason(answer.finish_reason, message.refused)
    return (None if answer.calls_tools else message.content), reason


def _turn(message: Mapping[str, Any]) -> dict[str, str] | None:
    """A message as a turn; None for one that no ingestion could read, such as one without a known role."""
    try:
        return read_message(dict(message), "messages").turn
    except RejectedLineError:
        return None


def _query(turns: Turns) -> str:
    """The last words of the user, without pictures and files."""
    said = next((turn["content"] for turn in reversed(turns) if turn["role"] == "user"), "")
    return "\n".join(line for line in said.split("\n") if not line.startswith(MEDIA + "{"))


def _whole(body: bytes) -> Answer:
    """The answer of a completion that came at once."""
    try:
        completion = json.loads(body)
    except (ValueError, RecursionError):
        return Answer(error="unreadable_answer")
    if not isinstance(completion, dict):
        return Answer(error="unreadable_answer")
    choice = _choice(completion)
    message = _object(choice, "message")
    answer = Answer(message, finish_reason=choice.get("finish_reason"), tokens=_tokens(completion))
    answer.error = _error(completion)
    calls = message.get("tool_calls")
    answer.calls_tools = bool(calls or message.get("function_call"))
    answer.tools = _names(calls if isinstance(calls, list) else [message.get("function_call")])
    return answer


def _streamed(chunks: list[tuple[float, bytes]]) -> Answer:
    """The answer whose chunks came one by one."""
    answer, texts, refusals = Answer(), list[str](), list[str]()
    for at_ms, data in chunks:
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            continue
        if not isinstance(chunk, dict):
            continue
        answer.error = answer.error or _error(chunk)
        answer.tokens = _tokens(chunk) or answer.tokens
        choice = _choice(chunk)
        delta = _object(choice, "delta")
        answer.finish_reason = choice.get("finish_reason") or answer.finish_reason
        calls = delta.get("tool_calls") or delta.get("function_call")
        answer.calls_tools |= bool(calls)
        answer.tools += _names(calls if isinstance(calls, list) else [calls])
        if isinstance(delta.get("content"), str):
            texts.append(delta["content"])
        if isinstance(delta.get("refusal"), str):
            refusals.append(delta["refusal"])
        if answer.first_token_ms is None and (calls or delta.get("content") or delta.get("refusal")):
            answer.first_token_ms = round(at_ms, 3)
    answer.message = {"content": "".join(texts) if texts else None, "refusal": "".join(refusals) or None}
    return answer


def _choice(completion: Mapping[str, Any]) -> dict[str, Any]:
    """The choice with the lowest index, which is 0; of a chunk that holds another one's part, none."""
    choices = completion.get("choices")
    for choice in choices if isinstance(choices, list) else []:
        if isinstance(choice, dict) and choice.get("index", 0) == 0:
            return choice
    return {}


def _object(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _names(calls: list[Any]) -> list[str]:
    """Names of called tools; the later pieces of a streamed call have none."""
    functions = [call.get("function", call) for call in calls if isinstance(call, dict)]
    return [each["name"] for each in functions if isinstance(each, dict) and isinstance(each.get("name"), str)]


def _tokens(completion: Mapping[str, Any]) -> int | None:
    usage = completion.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) and not isinstance(total, bool) and 0 <= total <= MAX_TOKENS else None


def _error(completion: Mapping[str, Any]) -> str | None:
    """What a server says that went wrong, in a body or an event of a stream."""
    error = completion.get("error")
    if not error:
        return None
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) and message.strip() else "upstream_error"
