"""One commit for what several requests wait for: a commit waits for the disk, whether it holds one row or fifty.

Rows gather while the batch before them is written. Whoever comes to write next takes all that wait and gives everybody
their result; nobody returns before the commit with their row. There is no thread and no delay for it: a row that comes
alone is written at once.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

MAX_ROWS = 50

Row = TypeVar("Row")
Result = TypeVar("Result")


@dataclass
class GroupCommit(Generic[Row, Result]):
    """`write` commits a batch and returns the result of each row, in their order; if it raises, every waiter does."""

    write: Callable[[Sequence[Row]], list[Result]]
    max_rows: int = MAX_ROWS
    _waiting: list[tuple[Row, "Future[Result]"]] = field(default_factory=list)
    _queue: threading.Lock = field(default_factory=threading.Lock)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def submit(self, row: Row) -> Result:
        """The row's result, once it is committed."""
        future: Future[Result] = Future()
        with self._queue:
            self._waiting.append((row, future))
        while not future.done():
            with self._writing:
                if not future.done():
                    self._write_batch()
        return future.result()

    def _write_batch(self) -> None:
        with self._queue:
            batch, self._waiting = self._waiting[: self.max_rows], self._waiting[self.max_rows :]
        try:
            results = self.write([row for row, _ in batch])
        except BaseException as error:
            for _, future in batch:
                future.set_exception(error)
            raise
        for (_, future), result in zip(batch, results, strict=True):
            future.set_result(result)
