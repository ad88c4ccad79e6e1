"""The server's routes. Only `python -m rl_assets.serving.server` and tests make an application."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rl_assets.serving.server.admin import load_adapter, unload_adapter
from rl_assets.serving.server.completions import chat_completions, tokenize
from rl_assets.serving.server.errors import RefusedError
from rl_assets.serving.server.http import refusing
from rl_assets.serving.server.options import Options
from rl_assets.serving.server.served_model import ServedModel
from rl_assets.serving.server.service import Service


def make_app(model: ServedModel, options: Options) -> Starlette:
    """The application; its worker lives as long as it is served."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.service = Service(model, options)
        app.state.started = int(time.time())
        app.state.service.worker.start()
        yield
        app.state.service.worker.stop()

    return Starlette(
        routes=[
            Route("/health", refusing(health)),
            Route("/v1/models", refusing(models)),
            Route("/v1/limits", refusing(limits)),
            Route("/v1/chat/completions", refusing(chat_completions), methods=["POST"]),
            Route("/tokenize", refusing(tokenize), methods=["POST"]),
            Route("/v1/load_lora_adapter", refusing(load_adapter), methods=["POST"]),
            Route("/v1/unload_lora_adapter", refusing(unload_adapter), methods=["POST"]),
        ],
        exception_handlers={404: _no_route, 405: _no_route},
        lifespan=lifespan,
    )


async def health(request: Request) -> Response:
    """200 while answers are generated, with how many run and wait; 503 after the worker's thread has died."""
    worker = request.app.state.service.worker
    body = {"status": "ok" if worker.works else "failed", "running": worker.running, "waiting": worker.waiting}
    return JSONResponse(body, 200 if worker.works else 503)


async def models(request: Request) -> Response:
    """The base and the adapters, with the base as their parent, as vLLM lists them."""
    service: Service = request.app.state.service
    cards = [
        {
            "id": served.name,
            "object": "model",
            "created": request.app.state.started,
            "owned_by": "rl-assets",
            "root": served.root,
            "parent": None if served.is_base else service.model.base.name,
            "max_model_len": service.model.context,
        }
        for served in service.served
    ]
    return JSONResponse({"object": "list", "data": cards})


async def limits(request: Request) -> Response:
    """What an adapter must be to be loaded, in the hashes of this project's manifests.

    Prompts are rendered by the rules of the adapter that answers; `chat_template_sha256` is the template's hash with
    the default rules.
    """
    service: Service = request.app.state.service
    model = service.model
    body: dict[str, Any] = {
        "max_lora_rank": service.options.max_lora_rank,
        "max_loras": service.options.max_loras,
        "target_modules": sorted(model.target_modules),
        "base_model": model.description.name,
        "base_sha256": model.description.sha256,
        "chat_template_sha256": model.chat_template_sha256,
        "chat_template_rules": "adapter",
        "dtype": model.dtype,
        "max_model_len": model.context,
    }
    return JSONResponse(body)


async def _no_route(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    refused = RefusedError(status, f"There is no {request.method} {request.url.path[:200]} here.")
    return JSONResponse(refused.body(), status)
