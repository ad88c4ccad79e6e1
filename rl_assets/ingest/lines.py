"""Files to numbered lines, in bulk: bytes are split, decoded and screened a block at a time, and nothing is dropped."""

import codecs
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.ingest.records import RAW_CHARACTERS

BLOCK_BYTES = 8 * 2**20  # Below the next, so that only the first line of a block can be too long.
MAX_LINE_BYTES = 16 * 2**20
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
NOT_LOGS = {b"version https://git-lfs": "a git-lfs pointer", b"<": "markup, such as an error page"}
# DuckDB's parser lets trailing commas, NaN and infinities pass; lines that may hold one are parsed strictly.
LENIENT = r"(?i),\s*[\]}]|(^|[\[:,\s])[-+]?(nan|inf|infinity)\s*([\]},]|$)"

LINES = pa.schema(
    [
        ("source_file", pa.string()),
        ("source_line", pa.int64()),
        ("line", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)
Line = tuple[int, str, str | None, str | None]  # number, text, reject reason, detail


class UnreadableFileError(OSError):
    """A landing file could not be read whole; the day keeps its published version."""


@contextmanager
def read_lines(files: Iterable[tuple[str, Path]]) -> Iterator[pa.RecordBatchReader]:
    """Stream the lines of `(name, path)` files as batches of LINES; `reason` is set where a line cannot be text.

    Raises UnreadableFileError where a file cannot be read, is damaged, or changes while it is read: at the end of the
    block, because DuckDB puts what the stream raises into the text of an error of its own.
    """
    failures: list[UnreadableFileError] = []
    try:
        yield pa.RecordBatchReader.from_batches(LINES, _remembering(failures, _batches(files)))
    finally:
        if failures:
            raise failures[0]


def _remembering(failures: list[UnreadableFileError], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except UnreadableFileError as error:
        failures.append(error)
        raise


def _batches(files: Iterable[tuple[str, Path]]) -> Iterator[pa.RecordBatch]:
    for name, path in files:
        try:
            before = path.stat()
            for lines in _file_lines(path):
                yield _batch(name, lines)
            after = path.stat()
        except (OSError, EOFError, pa.ArrowException) as error:
            raise UnreadableFileError(
                f"cannot read {path}: {error}; mend or move the file, then run the day again"
            ) from error
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise UnreadableFileError(f"{path} changed while it was read; run the day again when its writer is done")


def _file_lines(path: Path) -> Iterator[list[Line]]:
    # Before decompression too: a pointer keeps the name of the compressed file that it stands for.
    with path.open("rb") as file:
        if found := _not_a_log(head := file.read(RAW_CHARACTERS)):
            yield [(0, head.decode("utf-8", "replace"), "not_a_log_file", found)]
            return
    number = 0
    for block, whole in _blocks(path):
        if number == 0 and (found := _not_a_log(block)):
            yield [(0, block[:RAW_CHARACTERS].decode("utf-8", "replace"), "not_a_log_file", found)]
            return
        if not whole:
            yield [(number + 1, block.decode("utf-8", "replace"), "too_long", f"over {MAX_LINE_BYTES} bytes")]
            number += 1
            continue
        lines = _decode(block, number)
        number += len(lines)
        yield lines


def _blocks(path: Path) -> Iterator[tuple[bytes, bool]]:
    """Blocks of whole lines; of a line that is too long only its beginning, marked False."""
    rest, skipping = b"", False
    with pa.input_stream(str(path), compression=COMPRESSIONS.get(path.suffix)) as stream:
        while block := stream.read(BLOCK_BYTES):
            cut = block.rfind(b"\n") + 1
            if skipping:
                start = block.find(b"\n") + 1
                if not start:
                    continue
                block, cut, skipping = block[start:], cut - start, False
            if rest and cut and len(rest) + (end := block.find(b"\n")) > MAX_LINE_BYTES:
                yield rest[:RAW_CHARACTERS], False
                rest, block, cut = b"", block[end + 1 :], cut - end - 1
            if cut:
                yield rest + block[:cut], True
                rest = block[cut:]
            else:
                rest += block
            if len(rest) > MAX_LINE_BYTES:
                yield rest[:RAW_CHARACTERS], False
                rest, skipping = b"", True
    if rest:
        yield rest, True


def _not_a_log(block: bytes) -> str | None:
    head = block[:64].removeprefix(codecs.BOM_UTF8).lstrip()
    return next((what for start, what in NOT_LOGS.items() if head.startswith(start)), None)


def _decode(block: bytes, number: int) -> list[Line]:
    block = block.removesuffix(b"\n")
    try:
        return [(number + index, line, None, None) for index, line in enumerate(block.decode("utf-8").split("\n"), 1)]
    except UnicodeDecodeError:
        return [_decoded(number + index, line) for index, line in enumerate(block.split(b"\n"), 1)]


def _decoded(number: int, line: bytes) -> Line:
    try:
        return number, line.decode("utf-8"), None, None
    except UnicodeDecodeError as error:
        return number, line[:RAW_CHARACTERS].decode("utf-8", "replace"), "not_utf8", f"byte {error.start}"


def _batch(name: str, lines: list[Line]) -> pa.RecordBatch:
    numbers, texts, reasons, details = (list(column) for column in zip(*lines, strict=True))
    suspects = pc.indices_nonzero(pc.match_substring_regex(pa.array(texts, pa.string()), LENIENT)).to_pylist()
    for index in suspects:
        if reasons[index] is None and (problem := _strict_problem(texts[index])):
            reasons[index], details[index] = "not_json", problem
    return pa.record_batch([[name] * len(lines), numbers, texts, reasons, details], schema=LINES)


def _strict_problem(text: str) -> str | None:
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return str(error)
    return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
