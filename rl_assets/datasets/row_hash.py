"""The hash of the values of rows, in their order: streamed, and the same however they are cut into batches or files."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.core.files import sha256_json


class ContentHash:
    """The hash of rows that come in pieces: names, types and values of all columns."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._hashes: dict[str, Any] = {}

    def add(self, rows: pa.RecordBatch) -> None:
        """The next rows."""
        for name, column in zip(self._schema.names, rows.columns, strict=True):
            _add(self._hashes, name, column)

    def hexdigest(self) -> str:
        """Hex sha256 of what came so far."""
        columns = [[field.name, str(field.type)] for field in self._schema]
        return sha256_json([columns, {path: part.hexdigest() for path, part in self._hashes.items()}])


def content_hash(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> str:
    """Hex sha256 of names, types and values of all columns."""
    content = ContentHash(schema)
    for batch in batches:
        content.add(batch)
    return content.hexdigest()


def _add(hashes: dict[str, Any], path: str, values: pa.Array) -> None:
    """Hash an array into `hashes`: nulls, lengths of lists and texts, and their contents, each apart,
    so that the ends of batches leave no trace.
    """
    kind = values.type
    _update(hashes, f"{path}?", _bytes(values.is_valid()))
    if pa.types.is_struct(kind):
        for field, inner in zip(kind, values.flatten(), strict=True):
            _add(hashes, f"{path}.{field.name}", inner)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        _update(hashes, path, _bytes(pc.list_value_length(values)))
        _add(hashes, f"{path}[]", values.flatten())
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        _update(hashes, path, _bytes(pc.binary_length(values)))
        _update(hashes, f"{path}=", _text_bytes(values))
    else:
        _update(hashes, path, _bytes(values))


def _update(hashes: dict[str, Any], path: str, content: bytes | memoryview) -> None:
    hashes.setdefault(path, sha256()).update(content)


def _bytes(values: pa.Array) -> bytes:
    """Numbers, flags and times as little-endian bytes, nulls as zeros."""
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    elif pa.types.is_temporal(values.type):
        values = values.view(pa.int32() if values.type.bit_width == 32 else pa.int64())
    filled = values.fill_null(0) if values.null_count else values
    numbers = filled.to_numpy(zero_copy_only=False)
    if numbers.dtype.hasobject:  # The bytes of objects are addresses: they differ from run to run.
        raise TypeError(f"values of the type {values.type} cannot be hashed: cast them to a number of fixed width")
    return np.ascontiguousarray(numbers).tobytes()


def _text_bytes(values: pa.Array) -> memoryview:
    """The bytes of all texts one after the other, where they lie."""
    _, offsets, data = values.buffers()
    if data is None:
        return memoryview(b"")
    bounds = np.frombuffer(offsets, np.int32)[[values.offset, values.offset + len(values)]]
    return memoryview(data)[bounds[0] : bounds[1]]
