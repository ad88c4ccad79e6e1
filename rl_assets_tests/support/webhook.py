"""A real web server on this machine that keeps the texts that are posted to it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread


@contextmanager
def webhook() -> Iterator[tuple[str, list[str]]]:
    """Its address, and what was posted; it refuses what is posted to /refuse."""
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(json.loads(body)["text"])
            self.send_response(403 if self.path == "/refuse" else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Not to the tests' output."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()
