"""Servers of models that answer in the recorded forms of vLLM, SGLang and llama.cpp, without a model."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from rl_assets_tests.support.model_server import app_server

SGLANG_INFO = {
    "model_path": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "served_model_name": "base",
    "enable_lora": True,
    "max_lora_rank": 32,
    "lora_target_modules": ["q_proj", "v_proj"],
    "version": "0.5.9",
}


@dataclass
class RecordedServer:
    """What a server has loaded, by name, and the calls that changed it. `refuses` is the message of failed loads."""

    owner: str
    loaded: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    refuses: str | None = None
    healthy: bool = True
    info_path: str = "/server_info"
    token: str | None = None
    url: str = ""

    async def models(self, request: Request) -> Response:
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": "Unauthorized"}, 401)
        cards = [card("base", self.owner, "SmolLM2", None, 8192)]
        cards += [card(name, self.owner, path, "base", None) for name, path in self.loaded.items()]
        return JSONResponse({"object": "list", "data": cards})

    async def health(self, _: Request) -> Response:
        return Response(status_code=200 if self.healthy else 503)

    async def info(self, _: Request) -> Response:
        return JSONResponse(SGLANG_INFO)

    async def sglang_load(self, request: Request) -> Response:
        asked = await request.json()
        self.calls.append(("load", asked["lora_name"]))
        if self.refuses is not None:
            return self.sglang_output(False, self.refuses)
        self.loaded[asked["lora_name"]] = asked["lora_path"]
        return self.sglang_output(True, "")

    async def sglang_unload(self, request: Request) -> Response:
        name = (await request.json())["lora_name"]
        self.calls.append(("unload", name))
        self.loaded.pop(name, None)
        return self.sglang_output(True, "")

    def sglang_output(self, success: bool, message: str) -> Response:
        body = {"rid": None, "http_worker_ipc": None, "success": success, "error_message": message}
        return JSONResponse(body | {"loaded_adapters": self.loaded}, 200 if success else 400)

    async def vllm_load(self, request: Request) -> Response:
        asked = await request.json()
        self.calls.append(("load", asked["lora_name"]))
        if self.refuses is not None:
            error = {"message": self.refuses, "type": "InternalServerError", "param": None, "code": 500}
            return JSONResponse({"error": error}, 500)
        self.loaded[asked["lora_name"]] = asked["lora_path"]
        return PlainTextResponse(f"Success: LoRA adapter '{asked['lora_name']}' added successfully.")


def card(name: str, owner: str, root: str, parent: str | None, length: int | None) -> dict[str, Any]:
    shared = {"object": "model", "created": 1790000000, "owned_by": owner}
    return {"id": name, "root": root, "parent": parent, "max_model_len": length} | shared


@contextmanager
def recorded(kind: str, **values: Any) -> Iterator[RecordedServer]:
    """A running server of that kind: `sglang`, `vllm`, `vllm_fixed` (without its admin routes) or `llama.cpp`."""
    server = RecordedServer(kind.partition("_")[0], **values)
    routes = [Route("/v1/models", server.models)]
    if kind != "llama.cpp":
        routes.append(Route("/health", server.health))
    if kind == "sglang":
        routes += [
            Route(server.info_path, server.info),
            Route("/load_lora_adapter", server.sglang_load, methods=["POST"]),
            Route("/unload_lora_adapter", server.sglang_unload, methods=["POST"]),
        ]
    if kind == "vllm":
        routes.append(Route("/v1/load_lora_adapter", server.vllm_load, methods=["POST"]))
    with app_server(Starlette(routes=routes)) as server.url:
        wait_for(server.url)
        yield server


def wait_for(url: str) -> None:
    """Return when something listens there."""
    with httpx2.Client(transport=httpx2.HTTPTransport(retries=5)) as client:
        client.get(f"{url}/v1/models", timeout=30)
