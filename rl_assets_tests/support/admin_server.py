"""A model server over HTTP that only lists, loads and unloads names, as the embedded one does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LIMITS = {"max_lora_rank": 64, "target_modules": ["q_proj", "v_proj"], "base_model": "tiny"}


@dataclass
class AdminServer:
    """Its address, the adapters that it has, and what it says of itself."""

    url: str = ""
    loaded: set[str] = field(default_factory=set)
    limits: dict[str, Any] = field(default_factory=dict)


@contextmanager
def admin_server(**limits: Any) -> Iterator[AdminServer]:
    state = AdminServer(limits=LIMITS | {"base_sha256": "b" * 64, "chat_template_sha256": "c" * 64} | limits)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            cards = [{"id": "base"}, *({"id": name, "parent": "base"} for name in sorted(state.loaded))]
            bodies = {"/health": {}, "/v1/models": {"data": cards}, "/v1/limits": state.limits}
            self._reply(bodies[self.path])

        def do_POST(self) -> None:
            name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["lora_name"]
            (state.loaded.discard if "unload" in self.path else state.loaded.add)(name)
            self._reply({})

        def _reply(self, body: Any) -> None:
            content = json.dumps(body).encode("utf-8")
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
