"""Log a product's answers to the feedback service, at the cost of microseconds: `log_interaction(query, answer, ...)`.

One file of the standard library: a product may copy it. A bounded queue and one daemon thread send batches; while the
service is away, lines wait in a file and are sent later, by the next process too. Nothing here raises into the product,
and no text of it is ever printed. Ids are made here, so a line that is sent twice is one row.

A process that is killed by a signal loses what it logged within the last second; `flush` waits until all is sent.
"""

import atexit
import dataclasses
import json
import logging
import math
import os
import random
import re
import sys
import threading
import time
import uuid
import weakref
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path, PurePath
from typing import IO, Any
from urllib.parse import urlsplit

try:
    import fcntl
except ImportError:  # Windows: files of dead processes are not sent by others there.
    fcntl = None  # type: ignore[assignment]

DEFAULT_URL = "http://127.0.0.1:8802"
ROUTE = "/api/v1/training"
QUEUE_LINES, QUEUE_BYTES = 10_000, 64 * 2**20
BATCH_LINES, BODY_BYTES = 500, 900_000  # The service takes 1,000 lines and 1 MB.
SPOOL_BYTES = 100 * 2**20
EXIT_SECONDS = 1.5
MAX_DEPTH, MAX_VALUES, MAX_INTEGER = 32, 100_000, 2**63
REPLACEMENT = "\ufffd"
# What `json` writes and other readers refuse: NUL, and maybe an integer beyond 64 bits.
SUSPICIOUS = re.compile(rb"\\u0000|[0-9]{19}")
# The service will refuse these lines whenever they are sent; after all other errors it may accept them later.
REFUSED = frozenset({400, 409, 413, 422})

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())


@dataclasses.dataclass
class Interaction:
    """An answer to log. A latency of 0 is unknown. `further` are other fields of the log format `interaction_log`."""

    query: str
    answer: str | None
    agent_type: str = "general"
    quality_scores: Mapping[str, float] | None = None
    latency_ms: float = 0
    tools_used: Sequence[str] = ()
    sources: Any = None
    retrieval_method: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    error_occurred: bool = False
    error_message: str | None = None
    tokens_used: int | None = None
    cost_usd: float | None = None
    category: str | None = None
    propensity: float | None = None
    adapter: str | None = None
    interaction_id: str = ""
    timestamp: str | datetime = ""
    further: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """The line as an object; what is unknown is absent."""
        line = dict(self.further) if self.further else {}
        for name in _OPTIONAL:
            value = getattr(self, name)
            if not (value is None or value is False or (isinstance(value, str | tuple) and not value)):
                line[name] = value
        if isinstance(self.latency_ms, int | float) and self.latency_ms != 0:
            line["latency_ms"] = self.latency_ms
        moment = self.timestamp or datetime.now(UTC)
        line["timestamp"] = moment.isoformat() if isinstance(moment, datetime) else moment
        line["query"], line["agent_type"] = self.query, self.agent_type
        return line


_SPECIAL = {"query", "agent_type", "latency_ms", "timestamp", "further"}
_OPTIONAL = [field.name for field in dataclasses.fields(Interaction) if field.name not in _SPECIAL]


class _Cleaner:
    """Makes JSON of values that are none, without calling code of theirs, and counts what it replaced."""

    def __init__(self) -> None:
        self.replaced, self._left, self._above = 0, MAX_VALUES, set[int]()

    def clean(self, value: Any, depth: int = 0) -> Any:
        """The value as JSON that every reader accepts: null for NaN and too large numbers, text for objects."""
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH or id(value) in self._above:
            return self._replace(None)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str) and not isinstance(value, Enum):
            return self._text(value)
        if isinstance(value, int | float) and not isinstance(value, Enum):
            return self._number(value)
        if isinstance(value, dict | list | tuple | set | frozenset):
            return self._collection(value, depth)
        return self._object(value, depth)

    def _replace(self, value: Any) -> Any:
        self.replaced += 1
        return value

    def _text(self, value: str) -> str:
        text = value.encode("utf-8", "replace").decode("utf-8") if not _is_unicode(value) else str(value)
        text = text.replace("\x00", REPLACEMENT)
        return text if text == value else self._replace(text)

    def _number(self, value: int | float) -> int | float | None:
        usable = math.isfinite(value) if isinstance(value, float) else -MAX_INTEGER <= value < MAX_INTEGER
        return value if usable else self._replace(None)

    def _collection(self, value: Any, depth: int) -> Any:
        self._above.add(id(value))
        try:
            if isinstance(value, dict):
                return {self._key(key): self.clean(item, depth + 1) for key, item in list(value.items())}
            return [self.clean(item, depth + 1) for item in list(value)]
        finally:
            self._above.discard(id(value))

    def _key(self, key: Any) -> str:
        return self._text(key) if isinstance(key, str) else str(self._replace(self.clean(key)))

    def _object(self, value: Any, depth: int) -> Any:
        if isinstance(value, Enum):
            return self.clean(value.value, depth + 1)
        if isinstance(value, datetime | date):
            return value.isoformat()
        if isinstance(value, uuid.UUID | PurePath | Decimal):
            return self._text(str(value)) if not isinstance(value, Decimal) else self._number(float(value))
        if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
            return self.clean(value.item(), depth + 1)
        is_bytes = isinstance(value, bytes | bytearray)
        return self._replace(_decoded(value) if is_bytes else f"<{type(value).__qualname__}>")


def _decoded(value: bytes | bytearray) -> str:
    return bytes(value).decode("utf-8", "replace").replace("\x00", REPLACEMENT)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _line_of(fields: dict[str, Any]) -> tuple[bytes, int]:
    """The fields as a line of JSON without its newline, and how many values were replaced."""
    try:
        line = _encode(fields).encode("utf-8")
        if not SUSPICIOUS.search(line):
            return line, 0
    except (TypeError, ValueError, RecursionError):
        pass  # One of the values is no JSON.
    cleaner = _Cleaner()
    return _encode(cleaner.clean(fields)).encode("utf-8"), cleaner.replaced


class _SpoolFile:
    """Lines on disk, of this process or of a dead one; locked as long as its process lives."""

    def __init__(self, path: Path, mode: str) -> None:
        """Raises OSError if it cannot be opened, or belongs to another process."""
        self.path, self._read_from = path, 0
        self._file: IO[bytes] = open(path, mode, buffering=0, opener=_private)  # noqa: SIM115
        try:
            if fcntl:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(self._file.fileno()).st_nlink:
                raise FileNotFoundError(path)
            self.size = self._file.seek(0, os.SEEK_END)
        except OSError:
            self._file.close()
            raise

    @property
    def is_sent(self) -> bool:
        return self._read_from >= self.size

    def append(self, lines: Sequence[bytes]) -> None:
        """Write all lines or none of them; raises OSError, as for a full disk."""
        data = b"".join(line + b"\n" for line in lines)
        self._file.seek(self.size)
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:]) or 0
        except OSError:
            self._file.truncate(self.size)
            raise
        self.size += len(data)

    def batch(self) -> list[bytes]:
        """The next lines to send. A line that was cut off by a kill is one too."""
        self._file.seek(self._read_from)
        data = self._file.read(BODY_BYTES + BATCH_LINES)
        lines = data.splitlines(keepends=True)
        if len(lines) > 1 and self._read_from + len(data) < self.size and not lines[-1].endswith(b"\n"):
            lines.pop()
        return [line.rstrip(b"\n") for line in _fitting(lines)]

    def sent(self, lines: Sequence[bytes]) -> None:
        """The first lines need not be sent again; an empty file needs no space."""
        self._read_from += sum(len(line) + 1 for line in lines)
        if self.is_sent:
            self._file.truncate(0)
            self._read_from = self.size = 0

    def close(self, *, remove: bool) -> None:
        """Give the file to whoever comes next, or remove it."""
        if remove:
            self.path.unlink(missing_ok=True)
        self._file.close()


def _fitting(lines: Sequence[bytes]) -> Iterator[bytes]:
    """The first lines that make one request."""
    size = 0
    for number, line in enumerate(lines):
        size += len(line) + 1
        if number and (number >= BATCH_LINES or size > BODY_BYTES):
            return
        yield line


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


class _Spool:
    """The files of a folder: one that this process writes, and those that dead processes left."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._own, self._left = folder, list[_SpoolFile](), list[_SpoolFile]()
        self._lock, self._closed = threading.Lock(), False

    def append(self, lines: Sequence[bytes]) -> bool:
        """Keep lines; False if the folder cannot be written or holds enough."""
        with self._lock:
            try:
                if self._closed or self._bytes() + sum(len(line) + 1 for line in lines) > SPOOL_BYTES:
                    return False
                if not self._own:
                    self._own.append(self._create())
                self._own[0].append(lines)
            except OSError:
                return False
            return True

    def _bytes(self) -> int:
        return sum(path.stat().st_size for path in self._folder.glob("*.jsonl"))

    def _create(self) -> _SpoolFile:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _SpoolFile(self._folder / f"{os.getpid()}-{uuid.uuid4().hex}.jsonl", "x+b")

    def adopt(self) -> None:
        """Take over the files of processes that have ended."""
        with self._lock:
            known = {file.path for file in (*self._own, *self._left)}
            for path in sorted(self._folder.glob("*.jsonl")) if fcntl and not self._closed else ():
                if path not in known:
                    try:
                        self._left.append(_SpoolFile(path, "r+b"))
                    except OSError:  # Its process lives, or another one has just sent it.
                        continue

    @property
    def is_empty(self) -> bool:
        with self._lock:
            return all(file.is_sent for file in (*self._left, *self._own))

    def batch(self) -> tuple[_SpoolFile, list[bytes], bool] | None:
        """A file with lines to send, these, and whether a dead process wrote them. Raises OSError."""
        with self._lock:
            for file in (*self._left, *self._own):
                if not file.is_sent:
                    return file, file.batch(), file in self._left
        return None

    def sent(self, file: _SpoolFile, lines: Sequence[bytes]) -> None:
        """Do not send these lines again; a dead process's file is removed when it is empty. Raises OSError."""
        with self._lock:
            if not self._closed:
                file.sent(lines)
                if file.is_sent and file in self._left:
                    self._left.remove(file)
                    file.close(remove=True)

    def close(self) -> None:
        """Leave what was not sent to the next process."""
        with self._lock:
            self._closed = True
            for file in (*self._left, *self._own):
                file.close(remove=file.is_sent)
            self._left, self._own = [], []

    def forget(self) -> None:
        """In a forked child: the files are the parent's."""
        for file in (*self._left, *self._own):
            file.close(remove=False)


class InteractionLogger:
    """A queue and the thread that sends it; one per process is enough (`get_interaction_logger`).

    `url` and `key` are those of the feedback service, by default of RL_ASSETS_SERVICE_URL and RL_ASSETS_SERVICE_KEY;
    `spool` is the folder in which lines wait while the service is away, by default one of the user's.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        spool: str | Path | None = None,
        *,
        batch_seconds: float = 1.0,
        timeout: float = 5.0,
        first_retry: float = 0.5,
        max_retry: float = 30.0,
    ) -> None:
        self._url = (url or os.environ.get("RL_ASSETS_SERVICE_URL") or DEFAULT_URL).rstrip("/")
        self._key = key or os.environ.get("RL_ASSETS_SERVICE_KEY")
        service = sha256(self._url.encode("utf-8", "replace")).hexdigest()[:12]
        self._spool_folder = Path(spool or _state_folder()) / service
        self._batch_seconds, self._timeout = batch_seconds, timeout
        self._first_retry, self._max_retry = first_retry, max_retry
        self._thread: threading.Thread | None = None
        self._reset()
        if hasattr(os, "register_at_fork"):
            own = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _forked(own()))

    def _reset(self) -> None:
        self._condition = threading.Condition()  # Its lock is reentrant: a signal's handler may log as well.
        self._queue, self._queued_bytes = deque[bytes](), 0
        self._in_hand, self._thread = list[bytes](), None
        self._spool = _Spool(self._spool_folder)
        self._counts, self._last_error = Counter[str](), ""
        self._failures, self._retry_at, self._urgent = 0, 0.0, 0
        self._close_by: float | None = None

    def log(self, interaction: Interaction) -> str:
        """Queue an answer and return its id. A full queue drops it and counts it in `dropped`."""
        given = getattr(interaction, "interaction_id", "")
        interaction_id = str(given) if isinstance(given, str | int) and given else str(uuid.uuid4())
        try:
            line, replaced = _line_of({**interaction.fields(), "interaction_id": interaction_id})
            self._put(line, replaced)
        except Exception as error:  # noqa: BLE001 - No answer of the product may fail because of its log.
            self._counts["dropped"] += 1
            self._last_error = type(error).__name__
        return interaction_id

    def _put(self, line: bytes, replaced: int) -> None:
        with self._condition:
            full = len(self._queue) >= QUEUE_LINES or self._queued_bytes + len(line) > QUEUE_BYTES
            if full or len(line) > BODY_BYTES:
                self._counts["dropped"] += 1
                self._last_error = "queue full" if full else "line too long"
                return
            self._counts["logged"] += 1
            self._counts["replaced"] += replaced
            self._queue.append(line)
            self._queued_bytes += len(line)
            if len(self._queue) in (1, BATCH_LINES):
                self._condition.notify_all()
            if self._close_by is not None:
                self._spool_rest()
            elif self._thread is None or not self._thread.is_alive():
                self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="rl_assets.logger", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # The interpreter is ending.
            self._thread = None
            self._spool_rest()
            return
        atexit.unregister(self.close)
        atexit.register(self.close)
        if multiprocessing := sys.modules.get("multiprocessing.util"):
            # Processes of multiprocessing end without atexit.
            multiprocessing.Finalize(None, self.close, exitpriority=10)

    @property
    def dropped(self) -> int:
        """Answers that were lost: the queue was full, or they could not be written as a line."""
        return self._counts["dropped"]

    def get_stats(self) -> dict[str, Any]:
        """Counts of this process, the last error, and the service's own numbers (`service`, None while it is away).

        logged = sent + rejected + waiting; `replaced` are values that were no JSON, `adopted` the lines of processes
        that ended before they could send them.
        """
        names = ("logged", "sent", "rejected", "dropped", "replaced", "adopted")
        with self._condition:
            counts: dict[str, Any] = {name: self._counts[name] for name in names}
            waiting = counts["logged"] - counts["sent"] - counts["rejected"]
        service = self._ask("GET", "/stats", None)
        return {**counts, "waiting": waiting, "last_error": self._last_error or None, "service": service}

    def get_interactions(
        self,
        start_time: str | datetime | None = None,
        end_time: str | datetime | None = None,
        agent_type: str | None = None,
        high_quality_only: bool = False,
        limit: int = 100,
    ) -> list[dict[str, Any]] | None:
        """Answers that have landed, the newest first; None if the service does not say (`get_stats` has the reason)."""
        times = {"start_time": start_time, "end_time": end_time}
        asked = {
            **{name: str(value) for name, value in times.items() if value},
            **({"agent_type": agent_type} if agent_type else {}),
            "high_quality_only": high_quality_only,
            "limit": limit,
        }
        reply = self._ask("POST", "/interactions/query", asked)
        return reply.get("interactions") if reply else None

    def _ask(self, method: str, route: str, asked: dict[str, Any] | None) -> dict[str, Any] | None:
        try:
            body = json.dumps(asked, default=str).encode("utf-8", "replace") if asked is not None else None
            status, reply, _ = self._request(method, route, body)
            if status == 200:
                value = json.loads(reply)
                return value if isinstance(value, dict) else None
            self._last_error = f"HTTP {status}"
        except (OSError, HTTPException, ValueError) as error:
            self._last_error = type(error).__name__
        return None

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until everything of this process was sent; False if it was not within the time, in seconds."""
        with self._condition:
            self._urgent, self._retry_at = self._urgent + 1, 0.0
            self._condition.notify_all()
            done = self._condition.wait_for(self._is_idle, timeout)
            self._urgent -= 1
        return done

    def _is_idle(self) -> bool:
        return not self._queue and not self._in_hand and self._spool.is_empty

    def close(self, timeout: float = EXIT_SECONDS) -> None:
        """Send what is queued, or leave it in the spool if that takes longer. Called at exit by itself."""
        with self._condition:
            if self._close_by is not None:
                return
            self._close_by = time.monotonic() + timeout
            self._condition.notify_all()
        if self._thread:
            self._thread.join(timeout)
        with self._condition:
            self._spool_rest()
        self._spool.close()
        atexit.unregister(self.close)

    def _spool_rest(self) -> None:
        """What neither was sent nor will be: into the spool, or counted."""
        rest = [*self._in_hand, *self._queue]
        self._queue.clear()
        self._in_hand, self._queued_bytes = [], 0
        if rest and not self._spool.append(rest):
            self._counts["dropped"] += len(rest)

    def _run(self) -> None:
        """The thread: send, or spool while the service is away, and send what was spooled when it is back."""
        self._spool.adopt()
        while self._wait():
            if self._in_hand:
                batch = self._in_hand
                unsent = batch if self._is_away() else self._deliver(batch)
                kept = unsent if unsent and not self._spool.append(unsent) else []
                with self._condition:
                    if self._in_hand is batch:
                        self._in_hand = kept
                    self._condition.notify_all()
                    if kept:
                        self._condition.wait(self._batch_seconds)
            elif not self._is_away():
                self._send_spooled()

    def _wait(self) -> bool:
        """Until there is something to do; False when the logger is closed and all is done."""
        with self._condition:
            if not self._queue and not self._in_hand and self._close_by is None:
                pause = None if self._spool.is_empty else max(0.0, self._retry_at - time.monotonic())
                self._condition.wait(pause)
            if self._queue and not self._in_hand:
                self._condition.wait_for(self._is_batch, self._batch_seconds)
                self._take()
            return self._close_by is None or bool(self._in_hand and time.monotonic() < self._close_by)

    def _is_batch(self) -> bool:
        return len(self._queue) >= BATCH_LINES or self._urgent > 0 or self._close_by is not None

    def _take(self) -> None:
        self._in_hand = list(_fitting(self._queue))
        for line in self._in_hand:
            self._queue.popleft()
            self._queued_bytes -= len(line)

    def _is_away(self) -> bool:
        return time.monotonic() < self._retry_at

    def _deliver(self, lines: list[bytes], *, adopted: bool = False) -> list[bytes]:
        """Send lines; the last of them that must be sent again. Refused lines are halved to find the one at fault."""
        status = self._post(lines)
        if status not in REFUSED and not _is_success(status):
            return lines
        if status in REFUSED and len(lines) > 1:
            first, second = lines[: len(lines) // 2], lines[len(lines) // 2 :]
            unsent = self._deliver(first, adopted=adopted)
            return [*unsent, *second] if unsent else self._deliver(second, adopted=adopted)
        self._count("adopted" if adopted else "sent" if _is_success(status) else "rejected", len(lines))
        return []

    def _count(self, name: str, number: int) -> None:
        with self._condition:
            self._counts[name] += number

    def _send_spooled(self) -> None:
        try:
            if waiting := self._spool.batch():
                file, lines, adopted = waiting
                unsent = self._deliver(lines, adopted=adopted)
                self._spool.sent(file, lines[: len(lines) - len(unsent)])
        except OSError as error:
            self._failed(type(error).__name__, 0)
        with self._condition:
            self._condition.notify_all()

    def _post(self, lines: Sequence[bytes]) -> int:
        """The status of the reply, or 0 without one; sets when to try again."""
        try:
            status, _, retry_after = self._request("POST", "/interactions", b"[" + b",".join(lines) + b"]")
        except (OSError, HTTPException, ValueError) as error:
            self._failed(type(error).__name__, 0)
            return 0
        if _is_success(status):
            if self._failures:
                _log.warning("the feedback service answers again")
            self._failures = 0
        elif status in REFUSED:
            self._last_error = f"HTTP {status}"
        else:
            self._failed(f"HTTP {status}", retry_after)
        return status

    def _failed(self, error: str, retry_after: float) -> None:
        if not self._failures:
            _log.warning("the feedback service is away (%s): answers wait in %s", error, self._spool_folder)
        self._last_error = error
        pause = min(self._max_retry, self._first_retry * 2 ** min(self._failures, 20)) * random.uniform(0.5, 1)
        self._failures += 1
        self._retry_at = time.monotonic() + max(pause, min(retry_after, 300))

    def _request(self, method: str, route: str, body: bytes | None) -> tuple[int, bytes, float]:
        """Status, body and Retry-After in seconds. Raises OSError, HTTPException or ValueError."""
        address = urlsplit(self._url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("RL_ASSETS_SERVICE_URL is no http:// or https:// address")
        closing = self._close_by is not None and threading.current_thread() is self._thread
        timeout = max(0.1, min(self._timeout, EXIT_SECONDS / 2)) if closing else self._timeout
        kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
        connection = kind(address.hostname, address.port, timeout=timeout)
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            connection.request(method, f"{address.path}{ROUTE}{route}", body, headers)
            reply = connection.getresponse()
            after = reply.getheader("Retry-After") or ""
            return reply.status, reply.read(), float(after) if after.isdecimal() else 0.0
        finally:
            connection.close()


def _forked(logger: InteractionLogger | None) -> None:
    """In a forked child: the parent sends what it has queued, and the child starts with nothing."""
    if logger is not None:
        logger._spool.forget()
        logger._reset()


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _state_folder() -> Path:
    """The user's folder of state; without a home there is none, and lines wait in memory only."""
    if state := os.environ.get("XDG_STATE_HOME"):
        return Path(state) / "rl_assets" / "interactions"
    try:
        return Path.home() / ".local" / "state" / "rl_assets" / "interactions"
    except RuntimeError:
        return Path(os.devnull) / "interactions"


_default = dict[str, InteractionLogger]()


def get_interaction_logger() -> InteractionLogger:
    """The logger of this process, made from the environment when it is first asked for."""
    # `setdefault` is atomic; a lock could be held by another thread while this process forks.
    return _default.get("logger") or _default.setdefault("logger", InteractionLogger())


def log_interaction(
    query: str,
    answer: str | None,
    agent_type: str = "general",
    quality_scores: Mapping[str, float] | None = None,
    latency_ms: float = 0,
    tools_used: Sequence[str] = (),
    sources: Any = None,
    retrieval_method: str | None = None,
    session_id: str | None = None,
    user_id: str | None = None,
    error_occurred: bool = False,
    error_message: str | None = None,
    tokens_used: int | None = None,
    cost_usd: float | None = None,
    category: str | None = None,
    propensity: float | None = None,
    adapter: str | None = None,
    interaction_id: str = "",
    timestamp: str | datetime = "",
    **further: Any,
) -> str:
    """Log an answer and return its id at once, to which feedback refers. Never raises.

    `further` are other fields of the log format `interaction_log`, such as `messages`, `system`, `model`, `segment`.
    """
    fields = {name: value for name, value in locals().items() if name != "further"}
    return get_interaction_logger().log(Interaction(**fields, further=further))
