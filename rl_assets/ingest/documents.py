"""JSON documents in place of lines: an array of records, or records that are printed over several lines.

Its records are read one by one, and each is a line with the record's number, so that a bad one costs itself only.
Nothing is repaired: line breaks between values are made blanks, and what is no record is handed on to be rejected.
"""

import re
from collections.abc import Callable, Iterator

# A string (with its end, unless the bytes end before), or a bracket.
TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(")?|[\[\]{}]', re.DOTALL)
SEPARATORS = re.compile(rb"(?:[\s,\x1e]|\xef\xbb\xbf)*")
LINE_BREAK = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")|\r?\n[ \t]*', re.DOTALL)
SCALAR = re.compile(rb'(?:"[^"\\]*(?:\\.[^"\\]*)*"|[^,\]"\n])+', re.DOTALL)
ARRAY_OF_OBJECTS = re.compile(rb"\s*\[\s*(?:\{|\]\s*\Z)")
CONTINUED = (b"{", b"[", b",")
# Of a record that does not end: what follows it cannot be told from it.
MAX_RECORD_BYTES = 256 * 2**20

CUT_OFF = "the document ends inside a record: the file is cut off"
OPEN_ARRAY = "the array has no end: the file is cut off"
ENDLESS = f"a record of the document has no end within {MAX_RECORD_BYTES} bytes"
Read = Callable[[], bytes]
Record = tuple[bytes, str | None]  # its bytes, and what is wrong with the document there


def is_document(head: bytes) -> bool:
    """Whether a file that begins so is an array of objects or an object that goes on in the next line."""
    if ARRAY_OF_OBJECTS.match(head):
        return True
    first, end, rest = head.lstrip().partition(b"\n")
    second = rest.lstrip(b"\r\n")[:1]
    return bool(end) and first.startswith(b"{") and first.rstrip().endswith(CONTINUED) and second in b' \t"}]'


def records(read: Read) -> Iterator[Record]:
    """The records of a document as lines; `read` gives its next bytes, and none at its end."""
    content, position, in_array, at_end = b"", 0, False, False
    while True:
        position = _end_of(SEPARATORS, content, position)
        value = content[position : position + 1]
        if value in (b"[", b"]") and in_array is (value == b"]"):
            in_array, position = not in_array, position + 1
            continue
        end = _value_end(content, position, at_end) if value else None
        if end is not None:
            yield _line(content[position:end])
            position = end
        elif at_end:
            break
        elif len(content) - position > MAX_RECORD_BYTES:
            yield content[position:], ENDLESS
            return
        else:
            block = read()
            content, position, at_end = content[position:] + block, 0, not block
    if position < len(content):
        yield content[position:], CUT_OFF
    elif in_array:
        yield b"[", OPEN_ARRAY


def _end_of(pattern: re.Pattern[bytes], content: bytes, position: int) -> int:
    match = pattern.match(content, position)
    return match.end() if match else position


def _value_end(content: bytes, position: int, at_end: bool) -> int | None:
    """Where the value at a position ends; None if the bytes end before it does."""
    if content[position : position + 1] not in (b"{", b"["):
        end = max(_end_of(SCALAR, content, position), position + 1)
        return end if end < len(content) or at_end else None
    depth = 0
    for token in TOKEN.finditer(content, position):
        sign = content[token.start() : token.start() + 1]
        if sign == b'"' and token[1] is None:
            return None
        depth += (sign in (b"{", b"[")) - (sign in (b"}", b"]"))
        if depth == 0:
            return token.end()
    return None


def _line(record: bytes) -> Record:
    if b"\n" not in record:
        return record, None
    line = LINE_BREAK.sub(lambda match: match[1] or b" ", record)
    return (record, "a line break inside a text") if b"\n" in line else (line, None)
