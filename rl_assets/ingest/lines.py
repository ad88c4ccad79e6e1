"""Files to numbered lines, in bulk: a block of bytes becomes an Arrow column without a copy; no line is dropped."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from rl_assets.core.object_store import AnyPath
from rl_assets.ingest.blocks import Block, file_blocks
from rl_assets.tables.records import RAW_CHARACTERS

NEWLINE, COMMA, SPACE = ord("\n"), ord(","), ord(" ")
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
    ]
)
Fault = tuple[str, str]  # reject reason, detail


class UnreadableFileError(OSError):
    """A landing file could not be read completely; the day keeps its published version."""


@contextmanager
def read_lines(files: Iterable[tuple[str, AnyPath]]) -> Iterator[pa.RecordBatchReader]:
    """Stream the lines of `(name, path)` files as batches of LINES; `reason` is set if a line cannot be text.

    Raises UnreadableFileError if a file cannot be read, is damaged, or changes while it is read. It is raised at the
    end of the `with` block, because DuckDB turns exceptions of the stream into text of its own error.
    """
    failures: list[UnreadableFileError] = []
    try:
        yield pa.RecordBatchReader.from_batches(LINES, _collecting(failures, _batches(files)))
    finally:
        if failures:
            raise failures[0]


def _collecting(failures: list[UnreadableFileError], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except UnreadableFileError as error:
        failures.append(error)
        raise


def _batches(files: Iterable[tuple[str, AnyPath]]) -> Iterator[pa.RecordBatch]:
    for name, path in files:
        try:
            before = path.stat()
            yield from _file_lines(name, path)
            after = path.stat()
        except (OSError, EOFError, pa.ArrowException) as error:
            raise UnreadableFileError(
                f"cannot read {path}: {error}; fix or move the file, then run the day again"
            ) from error
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise UnreadableFileError(f"{path} changed while it was read; run the day again when it is complete")


def _file_lines(name: str, path: AnyPath) -> Iterator[pa.RecordBatch]:
    number = 1
    for block in file_blocks(path):
        first = 0 if block.reason == "not_a_log_file" else number
        batch = _rejected(name, first, block) if block.reason else _parsed(name, number, block.content)
        number += batch.num_rows
        yield batch


def _rejected(name: str, number: int, block: Block) -> pa.RecordBatch:
    head = pa.array([block.content.decode("utf-8", "replace")])
    return _batch(name, number, head, {0: (block.reason or "", block.detail or "")})


def _parsed(name: str, number: int, content: bytes) -> pa.RecordBatch:
    lines, ends = _split(content)
    faults: dict[int, Fault] = {}
    try:
        texts = lines.cast(pa.string())
    except pa.ArrowInvalid:
        texts, faults = _decoded(lines)
    for index in _lenient_lines(texts, _candidates(np.frombuffer(content, np.uint8), ends)):
        if index not in faults and (error := _strict_error(texts[index].as_py())):
            faults[index] = ("not_json", error)
    return _batch(name, number, texts, faults)


def _split(content: bytes) -> tuple[pa.Array, np.ndarray]:
    """The lines of a block as binary values that share its memory, and where each ends."""
    ends = np.flatnonzero(np.frombuffer(content, np.uint8) == NEWLINE) + 1
    last = [] if content.endswith(b"\n") else [len(content)]
    offsets = np.concatenate(([0], ends, last)).astype(np.int32)
    lines = pa.Array.from_buffers(
        pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(content)], null_count=0
    )
    return lines, offsets[1:]


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


def _strict_error(text: str) -> str | None:
    try:
        json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        return str(error)
    return None


def _reject_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _batch(name: str, number: int, texts: pa.Array, faults: dict[int, Fault]) -> pa.RecordBatch:
    count = len(texts)
    reasons, details = (
        pa.array([faults[i][part] if i in faults else None for i in range(count)], pa.string())
        if faults
        else pa.nulls(count, pa.string())
        for part in (0, 1)
    )
    names = pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([name]))
    numbers = pa.array(np.arange(number, number + count))
    return pa.record_batch([names, numbers, texts, reasons, details], schema=LINES)
