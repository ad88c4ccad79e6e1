"""Contents of messages: a text, or parts as OpenAI, Anthropic, Gemini and TensorZero write them.

Source of the kinds: the SDK types of OpenAI (`ChatCompletionContentPart*Param`, `ResponseInputContentParam`,
`ResponseOutputMessage`) and Anthropic (`ContentBlock`), Gemini's `Part`. Parts of text and refusals are text. What a
model thought is no part of its text. Pictures, sounds and files become MEDIA and their JSON, with the hash of their
bytes in place of these: no dataset trains on a conversation that holds some. Other parts, such as calls of tools, stay
as JSON.
"""

import json
import re
from hashlib import sha256
from typing import Any

from rl_assets.ingest.parsers import RejectedLineError

# Unicode's sign for an embedded object; the macro `has_media` in sql/macros/text.sql knows it.
MEDIA = "\ufffc"
TEXTS = {"text", "input_text", "output_text"}
THOUGHTS = {"thinking", "redacted_thinking", "reasoning", "reasoning_content", "thought"}
MEDIA_TYPES = {
    *("image", "image_url", "input_image", "output_image", "image_file", "audio", "audio_url", "input_audio"),
    *("output_audio", "video", "video_url", "input_video", "file", "input_file", "document", "media"),
    *("blob", "uri", "computer_screenshot", "image_generation_call"),
}
MEDIA_FIELDS = {"inline_data", "inlineData", "file_data", "fileData"}
SOURCED_FIELDS = {"image", "audio", "video", "document"}  # Bedrock's, which have a source and no type
BYTES = {"data", "file_data", "b64_json", "bytes"}
BARE_BYTES = re.compile(r"[A-Za-z0-9+/=_\s-]{200,}")  # in any field of a part whose type is one of media
DATA_URL = re.compile(r"(data:[^\s;,]*(?:;[^\s;,]+)*;base64,)([A-Za-z0-9+/=_-]{200,})")
MIN_BYTES = 200


def message_text(value: Any, field: str, joint: str = "\n") -> str:
    """The text of a message: as it is, or that of its parts; `joint` stands between parts of text, lines are others."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if not isinstance(value, list):
        raise RejectedLineError("wrong_type", f"{field}.content")
    parts = [part for part in value if not is_thought(part)]
    texts = "".join(
        (joint if _own_text(before) is not None and _own_text(part) is not None else "\n") + part_text(part)
        for before, part in zip([None, *parts], parts, strict=False)
    )
    return texts.removeprefix("\n")


def part_text(part: Any) -> str:
    """The text of one part, or its JSON."""
    if (own := _own_text(part)) is not None:
        return own
    plain = _without_bytes(part)
    written = as_json(plain)
    return MEDIA + written if plain != part or _holds_media(part) else written


def with_files(content: Any, files: Any, kind: str = "file") -> Any:
    """The content of a message with the files that stand beside it, as parts; those without a type are of this kind."""
    if not files:
        return content
    parts = content if isinstance(content, list) else [content] if content else []
    return [*parts, *(_file(each, kind) for each in (files if isinstance(files, list) else [files]))]


def _file(value: Any, kind: str) -> Any:
    return value if isinstance(value, dict) and type_of(value) in MEDIA_TYPES else {"type": kind, kind: value}


def as_json(value: Any) -> str:
    """A value that stands in a text, such as a call of a tool, in one spelling."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def thoughts(value: Any) -> str | None:
    """What a model thought, of the parts of a message; None if nothing."""
    parts = [part for part in value if is_thought(part)] if isinstance(value, list) else []
    texts = (part.get(name) for part in parts for name in ("thinking", "text", "reasoning", "content", "summary"))
    return "\n".join(text for text in texts if isinstance(text, str) and text) or None


def _own_text(part: Any) -> str | None:
    if not isinstance(part, dict):
        return part if isinstance(part, str) else None
    kind = "text" if part.get("type") in (None, "") else type_of(part)
    if kind in TEXTS and isinstance(text := part.get("text"), dict):  # of the Assistants API, with its annotations
        part = text
    fields = ("refusal",) if kind == "refusal" else ("text", "value", "content") if kind in TEXTS else ()
    return next((part[name] for name in fields if isinstance(part.get(name), str)), None)


def type_of(part: dict[str, Any]) -> str | None:
    """The type of a part; "" if it is no text, so that it is none that is known."""
    kind = part.get("type")
    return kind if kind is None or isinstance(kind, str) else ""


def is_thought(part: Any) -> bool:
    """Whether a part is what a model thought; Bedrock's `reasoningContent` has no type."""
    if not isinstance(part, dict):
        return False
    return type_of(part) in THOUGHTS or part.get("thought") is True or "reasoningContent" in part


def _holds_media(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_holds_media, value))
    if not isinstance(value, dict):
        return False
    return _is_media(value) or any(map(_holds_media, value.values()))


def _is_media(value: dict[str, Any]) -> bool:
    sourced = (value.get(field) for field in SOURCED_FIELDS)
    return (
        type_of(value) in MEDIA_TYPES
        or any(value.get(field) for field in MEDIA_FIELDS)
        or any(isinstance(each, dict) and isinstance(each.get("source"), dict) for each in sourced)
    )


def _without_bytes(value: Any, is_bytes: bool = False, is_media: bool = False) -> Any:
    """The value with hashes in place of bytes in base64."""
    if isinstance(value, dict):
        known = type_of(value) in MEDIA_TYPES
        return {key: _without_bytes(part, key in BYTES, known) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_bytes(part, False, is_media) for part in value]
    if not isinstance(value, str) or len(value) < MIN_BYTES:
        return value
    if is_bytes or (is_media and BARE_BYTES.fullmatch(value)):
        return _digest(value)
    return DATA_URL.sub(lambda url: url[1] + _digest(url[2]), value)


def _digest(data: str) -> str:
    return f"sha256:{sha256(data.encode('utf-8', 'surrogatepass')).hexdigest()}"
