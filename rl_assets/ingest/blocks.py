"""Files to blocks of whole lines: read, decompressed, and refused where the file is no log or a line is endless."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from rl_assets.core.object_store import AnyPath
from rl_assets.ingest.parquet_rows import row_texts
from rl_assets.tables.records import RAW_CHARACTERS

BLOCK_BYTES = 8 * 2**20  # Below the next, so that only the first line of a block can be too long.
MAX_LINE_BYTES = 16 * 2**20
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
NOT_LOGS = {b"version https://git-lfs": "a git-lfs pointer", b"<": "markup, such as an error page"}


class Block(NamedTuple):
    """Bytes of whole lines; where `reason` is set, the beginning of one line or of the file that was refused."""

    content: bytes
    reason: str | None = None
    detail: str | None = None


def file_blocks(path: AnyPath) -> Iterator[Block]:
    """The lines of a file, a block of them at a time.

    A file that is no log is one refused block with the reason `not_a_log_file`; a line over MAX_LINE_BYTES is one with
    the reason `too_long`. Files are read and not mapped to memory: one that shrinks would end the process.
    """
    # Before decompression too: a pointer keeps the name of the compressed file that it stands for.
    with path.open("rb") as file:
        if found := _not_a_log(head := file.read(RAW_CHARACTERS)):
            yield Block(head, "not_a_log_file", found)
            return
    if path.suffix == ".parquet":
        yield from _parquet_blocks(path)
        return
    for number, block in enumerate(_blocks(path)):
        if number == 0 and (found := _not_a_log(block.content)):
            yield Block(block.content[:RAW_CHARACTERS], "not_a_log_file", found)
            return
        yield block


def _parquet_blocks(path: AnyPath) -> Iterator[Block]:
    """The rows of a Parquet file as lines of JSON, so that they meet the same checks as lines."""
    for texts in row_texts(path):
        if max(map(len, texts)) <= MAX_LINE_BYTES:
            yield Block(b"\n".join(texts))
        else:
            yield from (Block(text) if len(text) <= MAX_LINE_BYTES else _endless(text) for text in texts)


def _blocks(path: AnyPath) -> Iterator[Block]:
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
                yield _endless(rest)
                rest, block, cut = b"", block[end + 1 :], cut - end - 1
            if cut:
                yield Block(rest + block[:cut] if rest else block[:cut])
                rest = block[cut:]
            else:
                rest += block
            if len(rest) > MAX_LINE_BYTES:
                yield _endless(rest)
                rest, skipping = b"", True
    if rest:
        yield Block(rest)


def _endless(beginning: bytes) -> Block:
    return Block(beginning[:RAW_CHARACTERS], "too_long", f"over {MAX_LINE_BYTES} bytes")


def _not_a_log(content: bytes) -> str | None:
    head = content[:64].removeprefix(codecs.BOM_UTF8).lstrip()
    return next((what for start, what in NOT_LOGS.items() if head.startswith(start)), None)
