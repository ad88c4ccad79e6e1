"""A Parquet file per split, written as the rows pass by, with the count and the hash of what was written."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rl_assets.datasets.row_hash import ContentHash

SPLITS = ("train", "validation", "test")
KEYS = ["split", "prompt_key"]  # What rows have besides the columns of a training row.
Describe = Callable[[pa.Schema], pa.Schema]


class SplitFiles:
    """Files of the splits in a folder; all are there once rows came, even none."""

    def __init__(self, folder: Path, describe: Describe | None = None) -> None:
        self._folder, self._describe = folder, describe
        self._files = ExitStack()
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._hashes: dict[str, ContentHash] = {}
        self.rows = dict.fromkeys(SPLITS, 0)

    def __enter__(self) -> "SplitFiles":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.__exit__(kind, error, trace)

    def write(self, rows: pa.Table) -> None:
        """Write rows to the files of their splits, in their order; the audit finds a row of no split."""
        training_rows = rows.drop_columns(KEYS)
        if not self._writers:
            self._open(training_rows.schema)
        for split, part in _parts(rows.column("split"), training_rows):
            self._hash(split, part)
            writer = self._writers[split]
            writer.write_table(part if part.schema.equals(writer.schema, True) else part.cast(writer.schema))

    @property
    def hashes(self) -> dict[str, str]:
        """The content hash of each split that has rows."""
        return {split: content.hexdigest() for split, content in self._hashes.items() if self.rows[split]}

    def _open(self, schema: pa.Schema) -> None:
        described = self._describe(schema) if self._describe else schema
        for split in SPLITS:
            writer = pq.ParquetWriter(self._folder / f"{split}.parquet", described, compression="zstd")
            self._writers[split] = self._files.enter_context(writer)
            self._hashes[split] = ContentHash(schema)

    def _hash(self, split: str, rows: pa.Table) -> None:
        for batch in rows.to_batches():
            self._hashes[split].add(batch)
        self.rows[split] += len(rows)


def _parts(splits: pa.ChunkedArray, rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each split that has some; neighbours are not copied."""
    for split in SPLITS:
        positions = np.flatnonzero(pc.equal(splits, split))
        if len(positions) and positions[-1] - positions[0] == len(positions) - 1:
            yield split, rows.slice(positions[0], len(positions))
        elif len(positions):
            yield split, rows.take(pa.array(positions))
