"""Server-sent events, byte for byte: a stream is cut where events end, so that one of them can be left out."""

import json
import re
from typing import Any

END = re.compile(rb"\r?\n\r?\n")
LONGEST_END = len(b"\r\n\r\n")
DONE = b"[DONE]"
DATA = b"data:"


class EventSplitter:
    """Cuts pieces of a stream into whole events, with the blank line that ends each."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The events that are complete with this piece."""
        content, start, events = self._rest + piece, 0, list[bytes]()
        # What was searched before holds no end but one that this piece completes.
        for end in END.finditer(content, max(0, len(self._rest) - LONGEST_END + 1)):
            events.append(content[start : end.end()])
            start = end.end()
        self._rest = content[start:]
        return events

    @property
    def rest(self) -> bytes:
        """What came after the last complete event."""
        return self._rest


def data_of(event: bytes) -> bytes:
    """The data of an event: its `data:` lines, joined."""
    lines = (line for line in event.splitlines() if line.startswith(DATA))
    return b"\n".join(line.removeprefix(DATA).removeprefix(b" ") for line in lines)


def json_of(event: bytes) -> Any:
    """The JSON value of an event; None if it has none."""
    try:
        return json.loads(data_of(event))
    except (ValueError, RecursionError):
        return None


def is_usage_only(event: bytes) -> bool:
    """Whether an event holds the usage and no choice: the one that `include_usage` adds."""
    if b'"usage"' not in event:
        return False
    chunk = json_of(event)
    return isinstance(chunk, dict) and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)


def is_done(event: bytes) -> bool:
    """Whether an event says that the stream is complete."""
    return DONE in event and data_of(event).strip() == DONE
