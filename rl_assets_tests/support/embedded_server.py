"""This project's own server of models in a thread of the test, whose forward passes a test can count and hold."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from rl_assets.models.base_models import BaseModel
from rl_assets_tests.support.model_server import app_server

QUESTION = [{"role": "user", "content": "Which colour has the rotor?"}]
WAIT_S = 60


@dataclass
class Gate:
    """Forward passes: `slots` are the names of the rows of each. While `held`, each waits for a release."""

    slots: list[list[str]] = field(default_factory=list)
    held: bool = False
    waits: bool = False
    permits: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def wait_for_pass(self) -> None:
        """Return when a pass waits to be released."""
        wait_until(lambda: self.waits)

    def release(self, passes: int = 1) -> None:
        for _ in range(passes):
            self.permits.release()

    def open(self) -> None:
        self.held = False
        self.release()

    def wrap(self, forward: Callable[..., Any]) -> Callable[..., Any]:
        def passed(ids: Any, mask: Any, positions: Any, cache: Any, slots: list[str]) -> Any:
            if self.held:
                self.waits = True
                assert self.permits.acquire(timeout=WAIT_S)
                self.waits = False
            self.slots.append(slots)
            return forward(ids, mask, positions, cache, slots)

        return passed


@dataclass
class EmbeddedServer:
    """A running server. `worker` and `model` are looked into, never changed."""

    url: str
    app: Any
    gate: Gate

    @property
    def worker(self) -> Any:
        return self.app.state.service.worker

    @property
    def model(self) -> Any:
        return self.app.state.service.model

    def load(self, name: str, path: Path | str) -> httpx2.Response:
        return self.post("/v1/load_lora_adapter", lora_name=name, lora_path=str(path))

    def unload(self, name: str) -> httpx2.Response:
        return self.post("/v1/unload_lora_adapter", lora_name=name)

    def ask(self, model: str, messages: Any = QUESTION, **fields: Any) -> httpx2.Response:
        """A greedy answer of 12 tokens with its ids, unless the fields say otherwise."""
        usual = {"temperature": 0, "max_tokens": 12, "return_token_ids": True}
        return self.post("/v1/chat/completions", **usual | {"model": model, "messages": messages} | fields)

    def tokens(self, model: str, messages: Any = QUESTION, **fields: Any) -> list[int]:
        answer = self.ask(model, messages, **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()["choices"][0]["token_ids"]

    def post(self, path: str, **body: Any) -> httpx2.Response:
        return httpx2.post(self.url + path, json=body, timeout=WAIT_S)


@contextmanager
def embedded_server(base: BaseModel, root: Path, dtype: Any = "float32", **options: Any) -> Iterator[EmbeddedServer]:
    """A server of that base, which loads adapters below `root`."""
    from rl_assets.serving.server.app import make_app
    from rl_assets.serving.server.options import Options
    from rl_assets.serving.server.served_model import ServedModel

    model, gate = ServedModel(base, dtype, lambda _: None), Gate()
    model.forward = gate.wrap(model.forward)  # type: ignore[method-assign]
    app = make_app(model, Options(adapters_root=root, **options))
    with app_server(app) as url:
        wait_until(lambda: answers(url))
        try:
            yield EmbeddedServer(url, app, gate)
        finally:
            gate.open()


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health", timeout=WAIT_S).status_code == 200
    except httpx2.TransportError:
        return False


def wait_until(holds: Callable[[], Any]) -> None:
    until = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < until, "it did not happen in a minute"
        time.sleep(0.01)
