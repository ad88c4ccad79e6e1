"""Texts of answers, set aside on disk by slices of the prompts: rows are put together a slice at a time.

So any number of rows takes the memory of one slice, and nothing wide is joined or sorted as a whole.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir, mkdtemp
from weakref import finalize

import numpy as np
import pyarrow as pa

from rl_assets.core.files import remove_abandoned

SLICE_ROWS = 10_000
MOST_SLICES = 256
BATCH_ROWS = 20_000
PREFIX = "rl_assets-texts-"


def slices_of(rows: int) -> int:
    """How many slices so many rows are made in."""
    return min(MOST_SLICES, rows // SLICE_ROWS + 1)


class Texts:
    """Texts by number: prompts (null where none was asked for) and answers, in a temporary folder of its own."""

    def __init__(self, slices: int) -> None:
        self.slices = slices
        remove_abandoned(Path(gettempdir()), f"{PREFIX}*")
        self._folder = Path(mkdtemp(prefix=PREFIX))
        self._schema = pa.schema([])
        self._read = 0
        finalize(self, rmtree, self._folder, ignore_errors=True)

    def keep(self, texts: pa.RecordBatchReader) -> None:
        """Set `texts` (slice, number, prompt, answer) aside, beside those that are there."""
        self._read += 1
        self._schema = texts.schema.remove(0)
        with ExitStack() as files:
            writers: dict[int, pa.ipc.RecordBatchFileWriter] = {}
            for batch in texts:
                for place, part in _by_slice(batch):
                    if place not in writers:
                        path = str(self._folder / f"{place}-{self._read}")
                        writers[place] = files.enter_context(pa.ipc.new_file(path, self._schema))
                    writers[place].write_batch(part)

    def of(self, place: int) -> pa.Table:
        """The texts of a slice: number, prompt, answer."""
        parts = [_read(path) for path in sorted(self._folder.glob(f"{place}-*"))]
        return pa.concat_tables([self._schema.empty_table(), *parts])


def _by_slice(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of each slice, without the column that says so, which is the first."""
    order = np.argsort(batch.column(0).to_numpy(), kind="stable")
    ordered = batch.take(pa.array(order))
    places, firsts = np.unique(ordered.column(0).to_numpy(), return_index=True)
    for place, first, end in zip(places, firsts, [*firsts[1:], len(order)], strict=True):
        yield int(place), ordered.slice(first, end - first).remove_column(0)


def _read(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()
