"""The prompt and the answer of a GenAI span, as OpenTelemetry's conventions and the tools before them name them.

Source: the semantic conventions for generative AI, with the names of OpenLLMetry, OpenInference, Strands and Azure AI.
"""

import re
from typing import Any

from rl_assets.ingest.message_parts import THOUGHTS
from rl_assets.ingest.message_shapes import decode
from rl_assets.ingest.otel_spans import Attributes
from rl_assets.ingest.parsers import number
from rl_assets.ingest.response_shapes import conversation_in, parts_in
from rl_assets.ingest.vendor_fields import first_of, object_in, unread, whole
from rl_assets.ingest.vendor_messages import read_answer, read_finish_reason, read_turns

MESSAGE_EVENT = re.compile(r"gen_ai\.(system|user|assistant|tool)\.message$")
FLAT = (("gen_ai.prompt", "gen_ai.completion"), ("llm.prompts", "llm.completions"))
OPENINFERENCE = ("llm.input_messages", "llm.output_messages")
PART = re.compile(r"contents\.(\d+)\.message_content\.(.+)")
ANSWER_FIELDS = {"content", "tool_calls", "parts", "role"}


def texts_of(attributes: Attributes, events: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The prompt, the answer and why it ended; None if the span has no texts."""
    system = attributes.get("gen_ai.system_instructions")
    prompt, answer = attributes.get("gen_ai.input.messages"), decode(attributes.get("gen_ai.output.messages"))
    if prompt is None and answer is None:
        prompt, answer = _of_events(events)
    for names in (*FLAT, OPENINFERENCE):
        if prompt is None and answer is None:
            prompt, answer = (_flat(attributes, name) for name in names)
    if prompt is None and answer is None:
        return None
    if answer is None:
        raise unread("the answer (gen_ai.output.messages)", None)
    return {
        "prompt": read_turns(prompt, "the prompt (gen_ai.input.messages)", system),
        "answer": read_answer(answer, "the answer (gen_ai.output.messages)"),
        "finish_reason": _finish_reason(attributes, answer),
    }


def _of_events(events: list[dict[str, Any]]) -> tuple[Any, Any]:
    """The messages that a span has as events: one event each, or all of them in `gen_ai.content.prompt`."""
    turns: Any = []
    choices: list[dict[str, Any]] = []
    answer: Any = None
    for event in events:
        name, fields = str(event.get("name")), _event_fields(event)
        if match := MESSAGE_EVENT.match(name):
            turns.append({"role": fields.get("role") or match[1], **fields, "content": parts_in(fields.get("content"))})
        elif name == "gen_ai.choice":
            choices.append(fields)
        elif name == "gen_ai.content.prompt":
            turns = _asked(fields.get("gen_ai.prompt"))
        elif name == "gen_ai.content.completion":
            answer = fields.get("gen_ai.completion")
    return turns or None, _choice(choices) if choices else answer


def _event_fields(event: dict[str, Any]) -> dict[str, Any]:
    """The fields of an event, also those that Azure AI writes as JSON."""
    content = decode(event["fields"].get("gen_ai.event.content"))
    return {**event["fields"], **content} if isinstance(content, dict) else event["fields"]


def _choice(choices: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The choice of the lowest index as a message. Its `message` is one, or the content of one."""
    first = min(choices, key=lambda fields: whole(number(fields, "index")) or 0)
    message = first.get("message", {name: value for name, value in first.items() if name != "finish_reason"})
    if isinstance(message, str):
        inner = decode(message)
        message = inner if isinstance(inner, dict) and ANSWER_FIELDS & inner.keys() else {"content": parts_in(message)}
    if not isinstance(message, dict):
        return None
    return {"role": "assistant", "finish_reason": first.get("finish_reason"), **message}


def _asked(prompt: Any) -> Any:
    """The messages of a prompt, which is a text or holds them as JSON."""
    messages = conversation_in(prompt)
    return [{"role": "user", "content": messages}] if isinstance(messages, str) and messages else messages


def _flat(attributes: Attributes, prefix: str) -> Any:
    """Messages from attributes `<prefix>.<number>.<field>`, in order; None if there are none."""
    messages: dict[int, dict[str, Any]] = {}
    for key, value in attributes.items():
        rest = key.removeprefix(f"{prefix}.")
        place, _, field = rest.partition(".")
        if rest != key and place.isdigit() and field:
            messages.setdefault(int(place), {})[field.removeprefix("message.")] = value
    placed = [messages[place] for place in sorted(messages)]
    ordered = [_message(fields, prefix) for fields in placed if str(fields.get("role")) not in THOUGHTS]
    if not ordered:
        return _asked(attributes.get(prefix)) if "prompt" in prefix else attributes.get(prefix)
    return ordered if "completion" not in prefix else ordered[0]


def _message(fields: dict[str, Any], prefix: str) -> dict[str, Any]:
    is_answer = "completion" in prefix or "output" in prefix
    calls = {key: value for key, value in fields.items() if key.startswith("tool_calls")}
    content = parts_in(fields.get("content", _parts(fields) or None))
    role = fields.get("role") or ("assistant" if is_answer else "user")
    reason = {"finish_reason": fields["finish_reason"]} if "finish_reason" in fields else {}
    return {"role": role, "content": content, **({"tool_calls": calls} if calls else {}), **reason}


def _parts(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts `contents.<number>.message_content.<field>` of OpenInference, in order; `image.image.url` is nested."""
    parts: dict[int, dict[str, Any]] = {}
    for key, value in fields.items():
        if match := PART.fullmatch(key):
            part = parts.setdefault(int(match[1]), {})
            outer, _, inner = match[2].partition(".")
            part[outer] = {**object_in(part, outer), inner.removeprefix(f"{outer}."): value} if inner else value
    return [parts[place] for place in sorted(parts) if parts[place] != {"type": "text"}]


def _finish_reason(attributes: Attributes, answer: Any) -> str | None:
    reasons = decode(attributes.get("gen_ai.response.finish_reasons"))
    flat = first_of(attributes, *(f"{completion}.0.finish_reason" for _, completion in FLAT))
    choice = {"finish_reason": reasons[0] if isinstance(reasons, list) and reasons else reasons or flat}
    return read_finish_reason(choice) or (None if isinstance(answer, str) else read_finish_reason(answer))
