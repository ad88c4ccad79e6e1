"""Files to blocks of complete lines: read, decompressed, and rejected if a file is no log or a line is too long.

Rows of Parquet and CSV files and records of JSON documents become lines of JSON, so that they pass the same checks.
Marks at the beginning of a line that are no part of it are taken off: those of UTF-8, and the separators of RFC 7464.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.core.object_store import AnyPath
from rl_assets.ingest.csv_rows import csv_records
from rl_assets.ingest.documents import is_document, records
from rl_assets.ingest.streams import Stream, open_text, peek
from rl_assets.tables.records import RAW_CHARACTERS

BLOCK_BYTES = 8 * 2**20  # Below the next, so that only the first line of a block can be too long.
MAX_LINE_BYTES = 16 * 2**20
MARKS = (codecs.BOM_UTF8, b"\x1e")
NOT_LOGS = {
    b"version https://git-lfs": "a git-lfs pointer",
    b"<": "markup, such as an error page",
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "a Parquet file, whose name must end in .parquet",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"SQLite format 3": "an SQLite database",
    codecs.BOM_UTF32_LE: "text in UTF-32; write UTF-8",
    codecs.BOM_UTF32_BE: "text in UTF-32; write UTF-8",
}
PARQUET_ROWS = 2_000
CSV_NAME = re.compile(r".*\.csv(\.gz|\.zst)?")
NAN = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")|\bNaN\b')  # a text, or the number outside of one
ROWS_AS_JSON = "SELECT CAST(to_json(batch) AS VARCHAR) AS text FROM batch"


class Block(NamedTuple):
    """Bytes of complete lines; if `reason` is set, the first bytes of one rejected line or file."""

    content: bytes
    reason: str | None = None
    detail: str | None = None


def file_blocks(path: AnyPath, fields: tuple[str, ...] = ()) -> Iterator[Block]:
    """The lines of a file, one block at a time; a table of CSV has at least one of the `fields`, if there are any.

    A file that is no log is one rejected block with the reason `not_a_log_file`; a line over MAX_LINE_BYTES is one with
    the reason `too_long`. Files are read and not mapped to memory: one that shrinks would end the process.
    """
    # Before decompression too: a git-lfs pointer keeps the name of the compressed file.
    with path.open("rb") as file:
        head = file.read(RAW_CHARACTERS)
    if path.suffix == ".parquet" and not _not_a_log(head, parquet=True):
        yield from _parquet_blocks(path)
        return
    if kind := _not_a_log(head):
        yield Block(head, "not_a_log_file", kind)
        return
    with open_text(path) as stream:
        head = without_marks(peek(stream))
        if kind := _not_a_log(head):
            yield Block(head, "not_a_log_file", kind)
        elif CSV_NAME.fullmatch(path.name) and not head.lstrip().startswith((b"{", b"[")):
            yield from _record_blocks(csv_records(stream, fields, MAX_LINE_BYTES))
        elif is_document(head):
            yield from _record_blocks(
                (record, problem and "not_json", problem)
                for record, problem in records(lambda: stream.read(BLOCK_BYTES))
            )
        else:
            yield from (block._replace(content=without_marks(block.content)) for block in _text_blocks(stream))


def without_marks(lines: bytes) -> bytes:
    """Complete lines without the marks before them."""
    for mark in MARKS:
        if mark in lines:
            lines = lines.removeprefix(mark).replace(b"\n" + mark, b"\n")
    return lines


def _record_blocks(records: Iterable[tuple[bytes, str | None, str | None]]) -> Iterator[Block]:
    """Records, each a line or rejected for a reason with a detail, in blocks of many."""
    lines, size = list[bytes](), 0
    for record, reason, detail in records:
        rejected = reason is not None or len(record) > MAX_LINE_BYTES
        if lines and (rejected or size + len(record) > BLOCK_BYTES):
            yield Block(b"\n".join(lines))
            lines, size = [], 0
        if rejected:
            yield Block(record[:RAW_CHARACTERS], reason, detail) if reason else _too_long(record)
        else:
            lines.append(record)
            size += len(record) + 1
    if lines:
        yield Block(b"\n".join(lines))


def _parquet_blocks(path: AnyPath) -> Iterator[Block]:
    for lines in _parquet_rows(path):
        if max(map(len, lines)) <= MAX_LINE_BYTES:
            yield Block(b"\n".join(lines))
        else:
            yield from (Block(line) if len(line) <= MAX_LINE_BYTES else _too_long(line) for line in lines)


def _parquet_rows(path: AnyPath) -> Iterator[list[bytes]]:
    """Batches of rows as JSON objects in UTF-8; times without a zone are UTC, and NaN, which data frames write for a
    missing number, is null."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "TimeZone": "UTC"})
    with pq.ParquetFile(path if isinstance(path, Path) else path.open()) as file:
        for rows in file.iter_batches(PARQUET_ROWS):
            connection.register("batch", pa.Table.from_batches([rows]))
            texts = connection.sql(ROWS_AS_JSON).to_arrow_table()["text"].to_pylist()
            yield [(_without_nan(text) if "NaN" in text else text).encode("utf-8") for text in texts]


def _without_nan(row: str) -> str:
    return NAN.sub(lambda match: match[1] or "null", row)


def _text_blocks(stream: Stream) -> Iterator[Block]:
    rest, skipping = b"", False
    while block := stream.read(BLOCK_BYTES):
        cut = block.rfind(b"\n") + 1
        if skipping:
            start = block.find(b"\n") + 1
            if not start:
                continue
            block, cut, skipping = block[start:], cut - start, False
        if rest and cut and len(rest) + (end := block.find(b"\n")) > MAX_LINE_BYTES:
            yield _too_long(rest)
            rest, block, cut = b"", block[end + 1 :], cut - end - 1
        if cut:
            yield Block(rest + block[:cut] if rest else block[:cut])
            rest = block[cut:]
        else:
            rest += block
        if len(rest) > MAX_LINE_BYTES:
            yield _too_long(rest)
            rest, skipping = b"", True
    if rest:
        yield Block(rest)


def _too_long(line: bytes) -> Block:
    return Block(line[:RAW_CHARACTERS], "too_long", f"over {MAX_LINE_BYTES} bytes")


def _not_a_log(content: bytes, parquet: bool = False) -> str | None:
    head = content[:64].removeprefix(codecs.BOM_UTF8).lstrip()
    kinds = (kind for start, kind in NOT_LOGS.items() if head.startswith(start))
    return None if parquet and head.startswith(b"PAR1") else next(kinds, None)
