"""Rows of Parquet files as JSON objects."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.core.object_store import AnyPath

ROWS = 2_000
AS_JSON = "SELECT CAST(to_json(batch) AS VARCHAR) AS text FROM batch"


def row_texts(path: AnyPath) -> Iterator[list[bytes]]:
    """Batches of one JSON object a row, as UTF-8; times without a zone are UTC, and NaN stays NaN, which is not JSON.

    Raises an ArrowException or OSError where the file is damaged.
    """
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "TimeZone": "UTC"})
    with pq.ParquetFile(path if isinstance(path, Path) else path.open()) as file:
        for rows in file.iter_batches(ROWS):
            connection.register("batch", pa.Table.from_batches([rows]))
            yield [text.encode("utf-8") for text in connection.sql(AS_JSON).to_arrow_table()["text"].to_pylist()]
