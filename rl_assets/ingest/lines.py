"""Files to numbered lines, in bulk: a block of bytes becomes an Arrow column without a copy; no line is dropped."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from rl_assets.core.object_store import AnyPath
from rl_assets.ingest import blocks
from rl_assets.ingest.blocks import Block, file_blocks
from rl_assets.ingest.strict_json import syntax_error
from rl_assets.tables.records import RAW_CHARACTERS

NEWLINE, COMMA, SPACE = ord("\n"), ord(","), ord(" ")
OPENING = ord("{")
CLOSING = ord("}")  # "]" is the same but for one bit
CASE = 0x20
ENDINGS = [(ord("n"), ord("a")), (ord("f"), ord("n")), (ord("y"), ord("t"))]  # of nan, inf and infinity, backwards
# DuckDB's parser accepts trailing commas, NaN and infinities; lines that may hold one are parsed strictly. Two
# patterns, because the combined one cannot be searched by its literals and takes ten times as long.
LENIENT = (r",\s*[\]}]", r"(?i)(?:^|[\[:,\s])[-+]?(?:nan|inf|infinity)\s*(?:[\]},]|$)")

LINES = pa.schema(
    [
        ("source_file", pa.dictionary(pa.int32(), pa.string())),
        ("source_line", pa.int64()),
        ("line", pa.string()),  # with the newline that ends it, because the column is the file's own bytes
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("braces", pa.int64()),  # how many `{` it has: a line with one has no objects in its object
    ]
)
Fault = tuple[str, str]  # reject reason, detail
MAX_PIECES = 1_000


class Piece(NamedTuple):
    """Lines of a file, from `number` on, and where each ends; with `fault`, one line that is rejected."""

    name: str
    number: int
    content: bytes
    ends: np.ndarray
    fault: Fault | None = None


class UnreadableFileError(OSError):
    """A landing file could not be read completely; the day keeps its published version."""


@contextmanager
def read_lines(files: Iterable[tuple[str, AnyPath]], fields: tuple[str, ...] = ()) -> Iterator[pa.RecordBatchReader]:
    """Stream the lines of `(name, path)` files as batches of LINES; `reason` is set if a line cannot be text.

    `fields` are those of the log format: a table without any of them is rejected as one.
    Raises UnreadableFileError if a file cannot be read, is damaged, or changes while it is read. It is raised at the
    end of the `with` block, because DuckDB turns exceptions of the stream into text of its own error.
    """
    failures: list[UnreadableFileError] = []
    try:
        yield pa.RecordBatchReader.from_batches(LINES, _collecting(failures, _batches(files, fields)))
    finally:
        if failures:
            raise failures[0]


def _collecting(failures: list[UnreadableFileError], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except UnreadableFileError as error:
        failures.append(error)
        raise


def _batches(files: Iterable[tuple[str, AnyPath]], fields: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """The lines of blocks, and those of small files together, so that many of these cost what one large one does."""
    pieces, size = list[Piece](), 0
    for piece in _pieces(files, fields):
        pieces.append(piece)
        size += len(piece.content)
        if size >= blocks.BLOCK_BYTES // 2 or len(pieces) >= MAX_PIECES:
            yield _batch(pieces)
            pieces, size = [], 0
    if pieces:
        yield _batch(pieces)


def _pieces(files: Iterable[tuple[str, AnyPath]], fields: tuple[str, ...]) -> Iterator[Piece]:
    for name, path in files:
        try:
            before = path.stat()
            yield from _file_pieces(name, path, fields)
            after = path.stat()
        except (OSError, pa.ArrowException) as error:
            raise UnreadableFileError(
                f"cannot read {path}: {error}; fix or move the file, then run the day again"
            ) from error
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise UnreadableFileError(f"{path} changed while it was read; run the day again when it is complete")


def _file_pieces(name: str, path: AnyPath, fields: tuple[str, ...]) -> Iterator[Piece]:
    number = 1
    for block in file_blocks(path, fields):
        first = 0 if block.reason == "not_a_log_file" else number
        piece = (
            _rejected(name, first, block) if block.reason else Piece(name, number, block.content, _ends(block.content))
        )
        number += len(piece.ends)
        yield piece


def _rejected(name: str, number: int, block: Block) -> Piece:
    head = block.content.decode("utf-8", "replace").encode("utf-8")
    return Piece(name, number, head, np.array([len(head)]), (block.reason or "", block.detail or ""))


def _ends(content: bytes) -> np.ndarray:
    """Where each line of a block ends."""
    ends = np.flatnonzero(np.frombuffer(content, np.uint8) == NEWLINE) + 1
    return ends if content.endswith(b"\n") else np.append(ends, len(content))


def _batch(pieces: list[Piece]) -> pa.RecordBatch:
    """The lines of the pieces, which are checked together."""
    content = b"".join(piece.content for piece in pieces)
    counts = [len(piece.ends) for piece in pieces]
    starts = np.cumsum([0, *(len(piece.content) for piece in pieces[:-1])])
    ends = np.concatenate([piece.ends for piece in pieces]) + np.repeat(starts, counts)
    texts, faults = _texts(content, ends)
    firsts = np.cumsum([0, *counts[:-1]])
    faults |= {int(first): piece.fault for first, piece in zip(firsts, pieces, strict=True) if piece.fault}
    signs = np.frombuffer(content, np.uint8)
    for index in _lenient_lines(texts, _candidates(signs, ends)):
        if index not in faults and (error := syntax_error(texts[index].as_py())):
            faults[index] = ("not_json", error)
    numbers = np.arange(len(ends)) + np.repeat([piece.number for piece in pieces] - firsts, counts)
    braces = np.bincount(np.searchsorted(ends, np.flatnonzero(signs == OPENING), "right"), minlength=len(ends))
    return pa.record_batch(
        [_names(pieces, counts), pa.array(numbers), texts, *_reasons(len(ends), faults), pa.array(braces)],
        schema=LINES,
    )


def _names(pieces: list[Piece], counts: list[int]) -> pa.DictionaryArray:
    known = {name: index for index, name in enumerate(dict.fromkeys(piece.name for piece in pieces))}
    indices = np.repeat(np.array([known[piece.name] for piece in pieces], np.int32), counts)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(known)))


def _reasons(count: int, faults: dict[int, Fault]) -> list[pa.Array]:
    """The reject reason and the detail of each of `count` lines."""
    if not faults:
        return [pa.nulls(count, pa.string())] * 2
    return [pa.array([faults[i][part] if i in faults else None for i in range(count)], pa.string()) for part in (0, 1)]


def _texts(content: bytes, ends: np.ndarray) -> tuple[pa.Array, dict[int, Fault]]:
    """The lines as texts that share the memory of the content, unless some are not UTF-8, and the faults of these."""
    offsets = np.concatenate(([0], ends)).astype(np.int32)
    lines = pa.Array.from_buffers(
        pa.binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(content)], null_count=0
    )
    try:
        return lines.cast(pa.string()), {}
    except pa.ArrowInvalid:
        return _decoded(lines)


def _decoded(lines: pa.Array) -> tuple[pa.Array, dict[int, Fault]]:
    """Texts of a block with lines that are not UTF-8, and the faults of these."""
    texts, faults = [], {}
    for index, line in enumerate(lines.to_pylist()):
        try:
            texts.append(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            texts.append(line[:RAW_CHARACTERS].decode("utf-8", "replace"))
            faults[index] = ("not_utf8", f"byte {error.start}")
    return pa.array(texts, pa.string()), faults


def _candidates(content: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Numbers of the lines that LENIENT may match, by the byte before each `]`, `}`, `,` and line end.

    A line of compact JSON is none unless that byte is a comma, whitespace or the end of nan, inf or infinity.
    """
    signs = np.flatnonzero(((content | CASE) == CLOSING) | (content == COMMA))
    signs = signs[signs > 1]
    before = content[signs - 1]
    odd = (before <= SPACE) | (before == COMMA)
    for last, last_but_one in ENDINGS:
        maybe = np.flatnonzero((before | CASE) == last)
        odd[maybe] = (content[signs[maybe] - 2] | CASE) == last_but_one
    last = np.maximum(ends - 1 - (content[ends - 1] == NEWLINE), 0)
    return np.union1d(np.searchsorted(ends, signs[odd], "right"), np.flatnonzero(content[last] != CLOSING))


def _lenient_lines(texts: pa.Array, lines: np.ndarray) -> list[int]:
    import polars as pl  # its regular expressions take a twentieth of the time of Arrow's and DuckDB's here

    column = pl.Series(values=texts.take(pa.array(lines)))
    matched = column.str.contains(LENIENT[0]) | column.str.contains(LENIENT[1])
    return [int(line) for line in lines[matched.to_numpy()]]
