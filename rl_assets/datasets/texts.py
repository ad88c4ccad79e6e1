"""Texts of answers, on disk in shards by prompt: rows are assembled one shard at a time.

So any number of rows takes the memory of one shard, and no wide table is joined or sorted as a whole.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from weakref import finalize

import numpy as np
import pyarrow as pa

from rl_assets.core.files import remove_abandoned

SHARD_ROWS = 10_000
MAX_SHARDS = 256
BATCH_ROWS = 20_000
PREFIX = "rl_assets-texts-"


def shards_of(rows: int) -> int:
    """The number of shards for so many rows."""
    return min(MAX_SHARDS, rows // SHARD_ROWS + 1)


class Texts:
    """Texts by number: prompts (null unless requested) and answers, in a temporary folder of its own."""

    def __init__(self, shards: int) -> None:
        self.shards = shards
        self._folder = Path(mkdtemp(prefix=PREFIX))
        remove_abandoned(self._folder, f"{PREFIX}*")
        self._schema = pa.schema([])
        self._read = 0
        finalize(self, rmtree, self._folder, ignore_errors=True)

    def add(self, texts: pa.RecordBatchReader) -> None:
        """Write `texts` (shard, number, prompt, answer) to disk, alongside those already there."""
        self._read += 1
        self._schema = texts.schema.remove(0)
        with ExitStack() as files:
            writers: dict[int, pa.ipc.RecordBatchFileWriter] = {}
            for batch in texts:
                for shard, part in _by_shard(batch):
                    if shard not in writers:
                        path = str(self._folder / f"{shard}-{self._read}")
                        writers[shard] = files.enter_context(pa.ipc.new_file(path, self._schema))
                    writers[shard].write_batch(part)

    def read(self, shard: int) -> pa.Table:
        """The texts of a shard: number, prompt, answer. Raises FileNotFoundError if somebody removed the folder."""
        if not self._folder.is_dir():
            raise FileNotFoundError(f"the temporary folder {self._folder} was removed while a dataset was built")
        parts = [_read(path) for path in sorted(self._folder.glob(f"{shard}-*"))]
        return pa.concat_tables([self._schema.empty_table(), *parts])


def _by_shard(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of each shard, without the shard column, which is the first."""
    order = np.argsort(batch.column(0).to_numpy(), kind="stable")
    ordered = batch.take(pa.array(order))
    shards, firsts = np.unique(ordered.column(0).to_numpy(), return_index=True)
    for shard, first, end in zip(shards, firsts, [*firsts[1:], len(order)], strict=True):
        yield int(shard), ordered.slice(first, end - first).remove_column(0)


def _read(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()
