"""Files to blocks of complete lines: read, decompressed, and rejected if a file is no log or a line is too long.

Rows of Parquet files become lines of JSON, so that they pass the same checks.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.core.object_store import AnyPath
from rl_assets.tables.records import RAW_CHARACTERS

BLOCK_BYTES = 8 * 2**20  # Below the next, so that only the first line of a block can be too long.
MAX_LINE_BYTES = 16 * 2**20
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
NOT_LOGS = {b"version https://git-lfs": "a git-lfs pointer", b"<": "markup, such as an error page"}
PARQUET_ROWS = 2_000
ROWS_AS_JSON = "SELECT CAST(to_json(batch) AS VARCHAR) AS text FROM batch"


class Block(NamedTuple):
    """Bytes of complete lines; if `reason` is set, the first bytes of one rejected line or file."""

    content: bytes
    reason: str | None = None
    detail: str | None = None


def file_blocks(path: AnyPath) -> Iterator[Block]:
    """The lines of a file, one block at a time.

    A file that is no log is one rejected block with the reason `not_a_log_file`; a line over MAX_LINE_BYTES is one with
    the reason `too_long`. Files are read and not mapped to memory: one that shrinks would end the process.
    """
    # Before decompression too: a git-lfs pointer keeps the name of the compressed file.
    with path.open("rb") as file:
        if kind := _not_a_log(head := file.read(RAW_CHARACTERS)):
            yield Block(head, "not_a_log_file", kind)
            return
    if path.suffix == ".parquet":
        yield from _parquet_blocks(path)
        return
    for number, block in enumerate(_text_blocks(path)):
        if number == 0 and (kind := _not_a_log(block.content)):
            yield Block(block.content[:RAW_CHARACTERS], "not_a_log_file", kind)
            return
        yield block


def _parquet_blocks(path: AnyPath) -> Iterator[Block]:
    for lines in _parquet_rows(path):
        if max(map(len, lines)) <= MAX_LINE_BYTES:
            yield Block(b"\n".join(lines))
        else:
            yield from (Block(line) if len(line) <= MAX_LINE_BYTES else _too_long(line) for line in lines)


def _parquet_rows(path: AnyPath) -> Iterator[list[bytes]]:
    """Batches of rows as JSON objects in UTF-8; times without a zone are UTC, and NaN stays NaN, which is not JSON."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "TimeZone": "UTC"})
    with pq.ParquetFile(path if isinstance(path, Path) else path.open()) as file:
        for rows in file.iter_batches(PARQUET_ROWS):
            connection.register("batch", pa.Table.from_batches([rows]))
            yield [text.encode("utf-8") for text in connection.sql(ROWS_AS_JSON).to_arrow_table()["text"].to_pylist()]


def _text_blocks(path: AnyPath) -> Iterator[Block]:
    rest, skipping = b"", False
    source = str(path) if isinstance(path, Path) else path.open()
    with pa.input_stream(source, compression=COMPRESSIONS.get(path.suffix)) as stream:
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


def _not_a_log(content: bytes) -> str | None:
    head = content[:64].removeprefix(codecs.BOM_UTF8).lstrip()
    return next((kind for start, kind in NOT_LOGS.items() if head.startswith(start)), None)
