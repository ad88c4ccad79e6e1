"""A service that loggers send to, on this machine: it keeps what it acknowledged, and may hang, fail or be away."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from rl_assets.ingest.strict_json import load_strictly

Status = Callable[[list[Any]], int]


class LogService(ThreadingHTTPServer):
    """`status` decides the reply to a batch; `rows` are the acknowledged lines by id, `requests` how many came."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that no longer waits for its reply is what some tests are about."""

    def __init__(self, status: Status, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.status, self.rows, self.received = status, dict[str, dict[str, Any]](), Counter[str]()
        self.requests, self.keys, self.lock = 0, set[str | None](), threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: LogService

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            lines = load_strictly(body.decode("utf-8"))
            status = self.server.status(lines)
        except ValueError:
            lines, status = [], 422
        with self.server.lock:
            self.server.requests += 1
            self.server.keys.add(self.headers["Authorization"])
            if status == 200:
                for line in lines:
                    self.server.rows[line["interaction_id"]] = line
                    self.server.received[line["interaction_id"]] += 1
        self._reply(status, {"accepted": len(lines)})

    def do_GET(self) -> None:
        self._reply(200, {"total_interactions": len(self.server.rows)})

    def _reply(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tests read replies, not a log."""


def accepting(_: list[Any]) -> int:
    return 200


def failing(_: list[Any]) -> int:
    return 500


def hanging(_: list[Any]) -> int:
    time.sleep(30)
    return 200


@contextmanager
def log_service(status: Status = accepting, port: int = 0) -> Iterator[LogService]:
    """The service, from when it listens to the end of the block."""
    server = LogService(status, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
