"""Files to streams of UTF-8: decompressed by what their first bytes are, whatever their names say."""

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

import pyarrow as pa

from rl_assets.core.object_store import AnyPath

HEAD_BYTES = 4096
MAX_COMPRESSIONS = 3  # of one file: some pipelines compress what is compressed
UTF16 = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
JSON_STARTS = ("{", "[", " ", "\t", "\r", "\n")


class Stream(Protocol):
    """Bytes that can be looked at before they are read."""

    def read(self, size: int = ..., /) -> bytes: ...

    def peek(self, size: int, /) -> bytes: ...


def _gunzip(stream: Stream) -> Stream:
    # Reads all members, and zeros after the last one as `gzip` does: blocks of tapes and stores are padded with them.
    return gzip.GzipFile(fileobj=cast("Any", stream), mode="rb")


def _unzstd(stream: Stream) -> Stream:
    return io.BufferedReader(cast("Any", pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd")))


COMPRESSIONS: dict[bytes, Callable[[Stream], Stream]] = {b"\x1f\x8b": _gunzip, b"\x28\xb5\x2f\xfd": _unzstd}
COMPRESSED_SUFFIXES = (".gz", ".zst")


@contextmanager
def open_text(path: AnyPath) -> Iterator[Stream]:
    """The bytes of a file as UTF-8, without compression; UTF-16 is recoded. Raises OSError if it cannot be read."""
    try:
        with path.open("rb") as file:
            yield _utf8(_decompressed(file, path.suffix))
    except (EOFError, zlib.error) as error:
        raise OSError(str(error)) from error


def peek(stream: Stream) -> bytes:
    """The first bytes of a stream, which stay in it."""
    return stream.peek(HEAD_BYTES)[:HEAD_BYTES]


def _decompressed(file: Any, suffix: str) -> Stream:
    stream: Stream = file if hasattr(file, "peek") else io.BufferedReader(file)
    for depth in range(MAX_COMPRESSIONS):
        head = peek(stream)
        opener = next((opener for magic, opener in COMPRESSIONS.items() if head.startswith(magic)), None)
        if opener is None:
            if depth == 0 and suffix in COMPRESSED_SUFFIXES:
                _check_is_text(head, suffix)
            return stream
        stream = opener(stream)
    return stream


def _check_is_text(head: bytes, suffix: str) -> None:
    """Object stores decompress files without a change of name; other bytes under such a name are damaged."""
    if not head:
        raise OSError(f"it is empty, which no {suffix} file is: its upload was cut off")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        raise OSError(f"it is neither {suffix} nor text") from None


def _utf8(stream: Stream) -> Stream:
    encoding = _utf16_encoding(peek(stream)[:4])
    return stream if encoding is None else io.BufferedReader(_Recoded(stream, encoding))


def _utf16_encoding(head: bytes) -> str | None:
    """UTF-16 by its mark or by the zeros in its letters; None for any other encoding."""
    for encoding, mark in UTF16.items():
        is_marked = head.startswith(mark) and head != codecs.BOM_UTF32_LE
        starts_json = head[:2] in [start.encode(encoding) for start in JSON_STARTS]
        if is_marked or starts_json or _are_two_letters(head, encoding):
            return encoding
    return None


def _are_two_letters(head: bytes, encoding: str) -> bool:
    """Whether a text, such as the header of a table, begins with two letters of ASCII in UTF-16."""
    text = head.decode(encoding, "replace")
    return len(text) == 2 and text.isascii() and text.isprintable()


class _Recoded(io.RawIOBase):
    """UTF-16 as UTF-8. Half a pair of surrogates or half a letter gives bytes that are not UTF-8, and so a reject."""

    def __init__(self, stream: Stream, encoding: str) -> None:
        self._stream, self._rest = stream, b""
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            block = self._stream.read(2**20)
            self._rest = self._recode(block)
            if not block:
                break
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def _recode(self, block: bytes) -> bytes:
        try:
            return self._decoder.decode(block, final=not block).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            self._decoder.reset()
            return b"\xff"
