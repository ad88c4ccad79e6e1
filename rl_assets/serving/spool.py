"""The gateway's log: a bounded queue, one thread, and files that land whole. Whoever logs never waits.

The thread appends to files below `<home>/serving/spool`. Each hour, at 64 MB and at the end a file is sealed and moves
to `landing/<format>/<day>/gateway-<worker>-<number>.jsonl`. What a process that is gone left behind is landed by the
next one to start, but for a torn last line. While the disk refuses to be written, lines wait in the queue; when that is
full, they are dropped and counted.
"""

import json
import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from rl_assets.core.home import Home
from rl_assets.serving.feedback_lines import Line
from rl_assets.serving.spool_counts import SUFFIX, SpoolCounts
from rl_assets.serving.spool_files import SpoolFile, land_sealed, seal_leftovers, spooled_bytes

MAX_LINES, MAX_BYTES = 10_000, 256 * 2**20
ROTATE_S, ROTATE_BYTES = 3600.0, 64 * 2**20
TICK_S, RETRY_S, CLOSE_S = 0.5, 1.0, 5.0
MAX_BATCH = 500
SERVICE_FORMAT = "interaction_log"
# Ingestion rejects longer lines.
MAX_LINE_BYTES = 16 * 2**20
# What a line made of anything that a caller and a server may send can raise: it costs that line alone.
UNWRITABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, AssertionError)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A line that is made when it is written, and about how many bytes it keeps in memory until then."""

    make: Callable[[], Line]
    size: int


class Spool:
    """Lines on their way to the landing folder. `put` may be called by any thread and never blocks."""

    def __init__(
        self,
        home: Home,
        rotate_s: float = ROTATE_S,
        max_lines: int = MAX_LINES,
        service: Callable[[dict[str, Any]], bool] | None = None,
    ) -> None:
        """`service` takes the fields of answers instead of a file, or is False for what it cannot take; it must neither
        block nor raise."""
        self.home, self.rotate_s, self.service = home, rotate_s, service
        self.folder = home.serving / "spool"
        self.worker = f"{socket.gethostname().replace('.', '-')}-{os.getpid()}-{uuid4().hex[:6]}"
        self.landed = self.lost = self.torn = 0
        self._problems = dict[str, str]()
        self._counts = SpoolCounts()
        self._queue: queue.Queue[Entry] = queue.Queue(max_lines)
        self._files: dict[str, SpoolFile] = {}
        self._is_open, self._number, self._waiting_bytes = False, 0, 0
        self._land_at = time.monotonic()
        self._bytes_lock, self._closing = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)

    @property
    def accepted(self) -> int:
        """Lines that were put, whether they were written or dropped."""
        return self._counts.accepted

    @property
    def dropped(self) -> int:
        """Lines that were put while the queue was full, or that no file could take."""
        return self._counts.dropped

    @property
    def handed_over(self) -> int:
        """Lines that the feedback service's logger was given."""
        return self._counts.handed_over

    @property
    def waiting(self) -> int:
        """Lines in the queue."""
        return self._queue.qsize()

    @property
    def problem(self) -> str | None:
        """Why lines wait now, if they do."""
        return "; ".join([*self._problems.copy().values(), *self._ended()]) or None

    def _ended(self) -> list[str]:
        """That nothing is written any more, if the thread has ended by itself."""
        if self._thread.ident is None or self._thread.is_alive() or self._closing.is_set():
            return []
        return ["the thread that writes the log has ended: start the gateway again"]

    def bytes_waiting(self) -> int:
        """Bytes in files that have not landed."""
        return spooled_bytes(self.folder)

    def start(self) -> None:
        self._thread.start()

    def put(self, entry: Entry) -> bool:
        """Take a line; False if it is dropped because too many wait."""
        self._counts.accept()
        with self._bytes_lock:
            fits = self._waiting_bytes + entry.size <= MAX_BYTES
            self._waiting_bytes += entry.size if fits else 0
        try:
            if fits:
                self._queue.put_nowait(entry)
                return True
        except queue.Full:
            self._release(entry)
        self._counts.drop()
        return False

    def close(self) -> None:
        """Write and land what waits, for a few seconds at most; what is left then is counted as dropped."""
        self._closing.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            left = self._counts.missing(sum(file.lines for file in self._files.values()))
            logger.warning("the spool %s does not answer: %d lines are dropped", self.folder, left)
            self._counts.drop(left)

    def _run(self) -> None:
        self._recover()
        while not self._closing.is_set():
            self._write(self._next_lines())
            self._rotate(due_only=True)
        while self.waiting:
            self._write(self._next_lines(wait=False))
        self._rotate(due_only=False)
        self._finish()

    def _next_lines(self, wait: bool = True) -> list[tuple[str, bytes]]:
        """Lines that wait, at most MAX_BATCH; none after a tick without any."""
        entries = list[Entry]()
        try:
            entries.append(self._queue.get(timeout=TICK_S if wait else None, block=wait))
            while len(entries) < MAX_BATCH:
                entries.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        for entry in entries:
            self._release(entry)
        return [line for entry in entries if (line := self._encoded(entry))]

    def _encoded(self, entry: Entry) -> tuple[str, bytes] | None:
        """The format and the bytes of a line; None for one that the service gets, or that is dropped as invalid."""
        try:
            log_format, fields = entry.make()
            line = json.dumps(fields, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"
        except UNWRITABLE as error:
            # The message may quote the text of a user.
            logger.warning("a line cannot be written and is dropped: %s", type(error).__name__)
            line = b""
        if line and self.service and log_format == SERVICE_FORMAT and self.service(fields):
            self._counts.hand_over()
            return None
        if line and len(line) <= MAX_LINE_BYTES:
            return log_format, line
        self._counts.drop()
        return None

    def _write(self, lines: list[tuple[str, bytes]]) -> None:
        """Append the lines, again and again while the disk refuses; when closing, once."""
        for log_format in dict.fromkeys(log_format for log_format, _ in lines):
            batch = [line for own, line in lines if own == log_format]
            while not self._append(log_format, batch):
                if self._closing.wait(RETRY_S):
                    if not self._append(log_format, batch):
                        self._counts.drop(len(batch))
                    break

    def _append(self, log_format: str, batch: list[bytes]) -> bool:
        try:
            self._open()
            if log_format not in self._files:
                self._number += 1
                self._files[log_format] = SpoolFile(self.folder, self.worker, log_format, self._number)
            self._files[log_format].append(batch)
        except OSError as error:
            self._report("write", f"{self.folder} cannot be written: {error.strerror or error}")
            return False
        self._problems.pop("write", None)
        return True

    def _open(self) -> None:
        """Make the folder and the file of counts, if that has not worked yet."""
        if not self._is_open:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._counts.keep_in(self.folder / f"{self.worker}{SUFFIX}")
            self._is_open = True

    def _recover(self) -> None:
        """Take over what processes that are gone left."""
        try:
            self._open()
            lost, torn = seal_leftovers(self.folder)
        except OSError as error:
            self._report("write", f"{self.folder} cannot be read: {error.strerror or error}")
            return
        self.lost, self.torn = self.lost + lost, self.torn + torn
        if lost or torn:
            logger.warning("processes that were killed lost %d lines; %d lines were torn", lost, torn)

    def _rotate(self, due_only: bool) -> None:
        """Seal the files that are old or large enough, and land all that is sealed."""
        now, sealed = time.monotonic(), False
        try:
            for log_format, file in [*self._files.items()]:
                if file.size >= ROTATE_BYTES or now - file.opened >= self.rotate_s or not due_only:
                    file.seal(self._counts)
                    del self._files[log_format]
                    sealed = True
            if sealed or now >= self._land_at:
                self._land_at = now + self.rotate_s
                for lines in land_sealed(self.home):
                    self.landed += lines
                self._problems.pop("land", None)
        except OSError as error:
            self._land_at = now + RETRY_S
            self._report("land", f"lines wait in {self.folder}, since they cannot land: {error.strerror or error}")

    def _finish(self) -> None:
        """Leave no counts behind if nothing is left to be counted."""
        if self._is_open and not self._files:
            (self.folder / f"{self.worker}{SUFFIX}").unlink(missing_ok=True)
        self._counts.close()

    def _report(self, what: str, problem: str) -> None:
        if problem != self._problems.get(what):
            logger.warning("%s", problem)
        self._problems[what] = problem

    def _release(self, entry: Entry) -> None:
        with self._bytes_lock:
            self._waiting_bytes -= entry.size
