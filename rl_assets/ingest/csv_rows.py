"""Tables of CSV in place of lines: each row is a record, and each cell the field that its column names.

An empty cell is missing. A cell with a JSON object or list is that value, unless its column is a text in all formats;
numbers, times and booleans stay texts, as which every format reads them too. The rows are those of Python's `csv`
(RFC 4180), and nothing is repaired: a row of another width or with a stray quote is rejected.
"""

import csv
import io
import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO, cast

from rl_assets.ingest.streams import Stream
from rl_assets.ingest.strict_json import syntax_error

DELIMITERS = (",", ";", "\t")
# Whatever they begin with: an answer in JSON is a text too.
TEXTS = frozenset(
    (
        *("query", "user_query", "question", "prompt", "system", "context", "answer", "ai_response", "content"),
        *("model_output", "preferred_output", "rejected_output", "first_output", "second_output", "value"),
        *("comment", "user_feedback", "feedback_comment", "error", "error_message", "instruction"),
        *("response", "completion", "generation", "reply", "candidate", "text"),
    )
)
NUMBERED_TEXT = re.compile(r"(?:answer|response|output|completion|generation|reply|candidate|text)[ _-]?(?:\d+|[a-z])")
MAX_SHOWN = 200
CUT_CHARACTERS = 32_767  # More than these a cell of Excel does not hold, in units of UTF-16.
MAX_REPEATED = 64 * 2**20  # Characters that are read again after quotes without an end, so that each file has an end.

# The limit of the process for a cell is far below that of a line, which `_Lines` checks.
csv.field_size_limit(2**31 - 1)


class Record(NamedTuple):
    """A row as a line of JSON; if `reason` is set, the text of a rejected row, or the header of a rejected file."""

    content: bytes
    reason: str | None = None
    detail: str | None = None


class LongRowError(ValueError):
    """A row has more characters than a line may have."""


class _Lines:
    """The lines of a text for the reader of `csv`, which takes as many as a row has; `number` is that of the first."""

    def __init__(self, text: TextIO, max_characters: int) -> None:
        self._text, self._max, self._size, self._repeated = text, max_characters, 0, 0
        self._again = deque[str]()
        self.row, self.number = list[str](), 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._text.readline(self._max + 1)
        if not line:
            raise StopIteration
        self.row.append(line)
        self._size += len(line)
        if self._size > self._max:
            self._skip_rest(line)
            raise LongRowError(f"over {self._max} characters")
        return line

    def _skip_rest(self, line: str) -> None:
        while len(line) > self._max and not line.endswith(("\n", "\r")):
            line = self._text.readline(self._max + 1)

    def start_row(self) -> None:
        self.number, self.row, self._size = self.number + len(self.row), [], 0

    def give_back(self, kept: int) -> None:
        """Let the lines of the row be read again, but for the first `kept`."""
        self._repeated += self._size
        if self._repeated <= MAX_REPEATED:
            self._again.extendleft(line for line in reversed(self.row[kept:]) if len(line) <= self._max)
            self.row = self.row[:kept]

    def rejected(self, reason: str, detail: str) -> Record:
        text = "".join(self.row).rstrip("\r\n")
        last = f" to {self.number + len(self.row) - 1}" if len(self.row) > 1 else ""
        return Record(text.encode("utf-8", "surrogateescape"), reason, f"line {self.number}{last}: {detail}")


def csv_records(stream: Stream, known: tuple[str, ...], max_characters: int) -> Iterator[Record]:
    """The rows of a table that have a value; one rejected file if none of its columns is among the `known` fields."""
    text = io.TextIOWrapper(cast("Any", stream), "utf-8-sig", "surrogateescape", newline="")
    lines = _Lines(text, max_characters)
    rows = _rows(csv.reader(lines, delimiter=_delimiter(lines), strict=True), lines)
    header = next(rows, None)
    if isinstance(header, Record):
        yield _not_a_table(lines, f"whose header cannot be read: {header.detail}")
    elif header is not None:
        names = [name.strip() for name in header]
        if problem := _header_problem(names, known):
            yield _not_a_table(lines, problem)
        else:
            yield from (row if isinstance(row, Record) else _record(names, row, lines) for row in rows)


def _delimiter(lines: _Lines) -> str:
    """That which gives the first line the most cells."""
    try:
        first = next(lines, "")
    except LongRowError:
        first = ""
    lines.give_back(0)
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([first], delimiter=delimiter), [])))


def _rows(reader: Iterator[list[str]], lines: _Lines) -> Iterator[list[str] | Record]:
    """The cells of each row with a value, or why it is rejected. After a stray quote, reading goes on with the second
    line of the row, as whose end the next quote was taken."""
    while True:
        lines.start_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.give_back(1)
            yield lines.rejected("not_a_row", str(error))
        except LongRowError as error:
            yield lines.rejected("too_long", str(error))
        else:
            if any(cells):
                yield cells


def _not_a_table(lines: _Lines, problem: str) -> Record:
    return Record(lines.rejected("", "").content, "not_a_log_file", f"a CSV file {problem}")


def _header_problem(names: list[str], known: tuple[str, ...]) -> str | None:
    shown = ", ".join(names)[:MAX_SHOWN].encode("utf-8", "replace").decode("utf-8")
    if twice := [name for name in names if name and names.count(name) > 1]:
        return f"with two columns '{twice[0]}'"
    if any("\udc80" <= letter <= "\udcff" for name in names for letter in name):
        return f"whose header is not UTF-8: {shown}"
    if known and not set(names) & set(known):
        return f"without a field of its log format; its columns are {shown}"
    return None


def _record(names: list[str], cells: list[str], lines: _Lines) -> Record:
    if len(cells) != len(names):
        return lines.rejected("not_a_row", f"{len(cells)} cells, but the header has {len(names)}")
    if cut := [name for name, cell in zip(names, cells, strict=True) if _is_cut(cell)]:
        detail = f"'{cut[0]}' has {CUT_CHARACTERS:,} characters, at which spreadsheets cut a text"
        return lines.rejected("too_long", detail)
    # A column without a name is the index of a data frame.
    fields = (
        f"{json.dumps(name, ensure_ascii=False)}: {_value(name, cell)}"
        for name, cell in zip(names, cells, strict=True)
        if name and cell
    )
    try:
        return Record(f"{{{', '.join(fields)}}}".encode())
    except UnicodeEncodeError:
        return lines.rejected("not_utf8", "a byte that is not UTF-8")


def _is_cut(cell: str) -> bool:
    return len(cell) * 2 >= CUT_CHARACTERS and len(cell.encode("utf-16-le", "surrogatepass")) == 2 * CUT_CHARACTERS


def _value(name: str, cell: str) -> str:
    is_text = name in TEXTS or NUMBERED_TEXT.fullmatch(name)
    if not is_text and cell.lstrip()[:1] in ("{", "[") and syntax_error(cell) is None:
        return cell.replace("\r", " ").replace("\n", " ")  # Between values: none stands inside a text.
    return json.dumps(cell, ensure_ascii=False)
