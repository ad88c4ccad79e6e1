"""A hub that keeps what is pushed to it: the four calls of `huggingface_hub` that an upload makes."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hub:
    """Repositories by name, each with whether it is private, its files, and its commits."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.repos: dict[str, dict[str, Any]] = {}

    def answer(self, path: str, token: str | None, body: bytes) -> tuple[int, dict[str, Any]]:
        if token != f"Bearer {self.token}":
            return 401, {"error": "Invalid username or password."}
        path = path.split("?", maxsplit=1)[0]
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path.endswith("/preupload/main"):
            files = [{**file, "uploadMode": "regular", "shouldIgnore": False} for file in json.loads(body)["files"]]
            return 200, {"files": files}
        if path.endswith("/commit/main"):
            return self._commit(path.removeprefix("/api/datasets/").removesuffix("/commit/main"), body)
        return 404, {"error": f"no such call: {path}"}

    def _create(self, wanted: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = "/".join(filter(None, (wanted.get("organization"), wanted["name"])))
        if name in self.repos:
            return 409, {"error": "You already created this dataset repo", "url": f"/datasets/{name}"}
        private = wanted.get("private", wanted.get("visibility") == "private")
        self.repos[name] = {"private": private, "type": wanted["type"], "files": {}, "commits": []}
        return 200, {"url": f"{self.url}/datasets/{name}"}

    def _commit(self, name: str, body: bytes) -> tuple[int, dict[str, Any]]:
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "header":
                self.repos[name]["commits"].append(line["value"]["summary"])
            else:
                self.repos[name]["files"][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        return 200, {"success": True, "commitUrl": f"{self.url}/datasets/{name}/commit/abc", "commitOid": "abc"}


@contextmanager
def running_hub(token: str) -> Iterator[Hub]:
    """A hub on this machine; its address is `url`."""
    hub = Hub(token)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, value = hub.answer(self.path, self.headers.get("Authorization"), body)
            content = json.dumps(value).encode("utf-8")
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Requests are not printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
