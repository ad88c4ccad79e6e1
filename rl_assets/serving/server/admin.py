"""vLLM's two routes that load and unload adapters, in its form and with its status codes."""

from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rl_assets.serving.server.adapter_files import AdapterMissingError, AdapterRefusedError
from rl_assets.serving.server.chat_request import parse
from rl_assets.serving.server.errors import RefusedError
from rl_assets.serving.server.http import json_body, require_token
from rl_assets.serving.server.service import AlreadyLoadedError, NotLoadedError, Service

USER_INPUT = "InvalidUserInput"
MAX_NAME = 200


class LoadRequest(BaseModel):
    """`lora_path` is a folder below the server's root of adapters, absolute or relative to it."""

    lora_name: str = ""
    lora_path: str = ""


class UnloadRequest(BaseModel):
    """The name under which an adapter was loaded."""

    lora_name: str = ""


async def load_adapter(request: Request) -> Response:
    """Load an adapter under a name: 400 if the name is taken or the adapter is refused, 404 if there is none."""
    asked, service = await _asked(request, LoadRequest)
    if not asked.lora_name or not asked.lora_path:
        raise RefusedError(400, "Both 'lora_name' and 'lora_path' must be provided.", USER_INPUT)
    _check_name(asked.lora_name)
    try:
        await service.load(asked.lora_name, asked.lora_path)
    except AlreadyLoadedError:
        message = f"The lora adapter '{asked.lora_name}' has already been loaded: unload it first, or use another name."
        raise RefusedError(400, message, USER_INPUT) from None
    except AdapterMissingError as error:
        raise RefusedError(404, str(error), "NotFoundError", param="lora_path") from error
    except OSError as error:
        raise RefusedError(400, f"The adapter cannot be read: {error}", "BadRequestError", param="lora_path") from error
    except AdapterRefusedError as error:
        raise RefusedError(400, str(error), "BadRequestError", param="lora_path") from error
    return PlainTextResponse(f"Success: LoRA adapter '{asked.lora_name}' added successfully.")


async def unload_adapter(request: Request) -> Response:
    """Forget an adapter: 404 if no such one is loaded. Answers that it has begun are ended."""
    asked, service = await _asked(request, UnloadRequest)
    if not asked.lora_name:
        raise RefusedError(400, "'lora_name' needs to be provided to unload a LoRA adapter.", USER_INPUT)
    try:
        await service.unload(asked.lora_name)
    except NotLoadedError:
        message = f"The lora adapter '{asked.lora_name[:MAX_NAME]}' cannot be found."
        raise RefusedError(404, message, "NotFoundError") from None
    return PlainTextResponse(f"Success: LoRA adapter '{asked.lora_name}' removed successfully.")


async def _asked(request: Request, kind: Any) -> tuple[Any, Service]:
    service: Service = request.app.state.service
    require_token(request, service.options.admin_token)
    return parse(kind, await json_body(request, service.options.max_body_bytes)), service


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME or not name.isprintable():
        message = f"The lora_name has {len(name)} characters or unprintable ones: use up to {MAX_NAME} printable ones."
        raise RefusedError(400, message, USER_INPUT, param="lora_name")
