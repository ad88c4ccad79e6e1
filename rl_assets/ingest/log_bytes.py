"""The bytes of a log that tell where its lines begin and end, and by which it is known again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from rl_assets.core.files import sha256_text
from rl_assets.ingest.streams import COMPRESSED_SUFFIXES, open_text

TAIL_BYTES = 4096
FIRST_LINE_BYTES = 64 * 2**20
READ_BYTES = 2**20


@contextmanager
def uncompressed(path: Path) -> Iterator[IO[bytes]]:
    """The open file, or a temporary one with what it holds if it is compressed. Raises OSError if it is damaged."""
    if path.suffix not in COMPRESSED_SUFFIXES:
        with path.open("rb") as file:
            yield file
        return
    with NamedTemporaryFile() as plain, open_text(path) as stream:
        while block := stream.read(READ_BYTES):
            plain.write(block)
        plain.flush()
        yield plain.file


def first_line(file: IO[bytes]) -> tuple[int, str] | None:
    """Where the first line begins, and the hash of it; None if there is no complete line.

    NUL bytes before it are none of it: a writer that keeps its offset leaves them when a log is cut.
    """
    start = _first_byte(file)
    if start is None:
        return None
    file.seek(start)
    line = file.readline(FIRST_LINE_BYTES)
    complete = line.endswith(b"\n") or len(line) == FIRST_LINE_BYTES
    return (start, sha256_text(line.decode("utf-8", "replace"))[:8]) if complete else None


def _first_byte(file: IO[bytes]) -> int | None:
    """Offset of the first byte that is not NUL, None if there is none; holes of a sparse file are not read."""
    try:
        offset = os.lseek(file.fileno(), 0, os.SEEK_DATA)
    except OSError:
        offset = 0  # The file system knows no holes, or the file is one.
    file.seek(offset)
    while block := file.read(READ_BYTES):
        if rest := block.lstrip(b"\0"):
            return offset + len(block) - len(rest)
        offset += len(block)
    return None


def tail_of(file: IO[bytes], end: int) -> str:
    """Hash of the bytes before `end`."""
    start = max(0, end - TAIL_BYTES)
    file.seek(start)
    return sha256_text(file.read(end - start).decode("latin-1"))


def last_newline(file: IO[bytes], start: int, block_bytes: int) -> int:
    """Offset of the end of the last complete line within the next block that ends one; `start` if there is none."""
    file.seek(start)
    offset = start
    while block := file.read(block_bytes):
        if end := block.rfind(b"\n") + 1:
            return offset + end
        offset += len(block)
    return start
