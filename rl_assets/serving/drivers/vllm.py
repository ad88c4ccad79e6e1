"""vLLM, and this project's own server, which speaks vLLM's routes and tells its limits besides.

vLLM must be started with `VLLM_ALLOW_RUNTIME_LORA_UPDATING=1` and `--enable-lora`; docs/serving.md has the command.
"""

from pathlib import PurePosixPath
from typing import Any

from rl_assets.serving.drivers.openai_server import LOAD_S, OpenAIDriver, error_text
from rl_assets.serving.drivers.protocol import Limits, ServerError

LOAD, UNLOAD = "/v1/load_lora_adapter", "/v1/unload_lora_adapter"
START = "start vLLM with VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 and --enable-lora"


class VLLMDriver(OpenAIDriver):
    """Adapters of one vLLM server. Names are made of contents, so a name that is loaded needs no second load."""

    def load(self, name: str, folder: PurePosixPath) -> None:
        """Load an adapter; nothing if the name is there, also if somebody else loads it at the same time."""
        if name in self.names():
            return
        status, body = self.server.call("POST", LOAD, {"lora_name": name, "lora_path": str(folder)}, LOAD_S)
        if status != 200 and name not in self.names():
            raise self._refused("load", name, status, body)

    def unload(self, name: str) -> None:
        """Forget an adapter; nothing if it is not there. vLLM keeps its slot in memory until another needs it."""
        if name not in self.names():
            return
        status, body = self.server.call("POST", UNLOAD, {"lora_name": name})
        if status != 200 and name in self.names():
            raise self._refused("unload", name, status, body)

    def limits(self) -> Limits:
        """The base's name, and whether adapters can be loaded: vLLM tells no more."""
        base = next((card for card in self.server.cards() if not card.get("parent")), None)
        if base is None:
            raise ServerError(f"{self.url}/v1/models lists no base model: this driver needs a server with one.")
        return Limits(base_model=str(base.get("root") or base["id"]), can_load=self._has_routes())

    def probe(self) -> None:
        """Return if `/health` answers 200."""
        status, body = self.server.call("GET", "/health")
        if status != 200:
            raise ServerError(f"{self.url}/health answered {status} ({error_text(body)}): restart the server.")

    def _has_routes(self) -> bool:
        """Routes that are switched off are not found; those that are on refuse GET."""
        status, _ = self.server.call("GET", LOAD)
        return status != 404

    def _refused(self, verb: str, name: str, status: int, body: Any) -> ServerError:
        if status in (401, 403):
            advice = "give the endpoint a `token_env` in the serving file, with the server's token in that variable"
        elif status == 404 and not self._has_routes():
            advice = START
        elif verb == "load":
            advice = "see the server's limits, and that `adapters_mount` is the home as the server sees it"
        else:
            advice = "see the server's log"
        return ServerError(f"{self.url} did not {verb} {name}: {status}, {error_text(body)}. To go on, {advice}.")


class EmbeddedDriver(VLLMDriver):
    """This project's own server."""

    def limits(self) -> Limits:
        """What the server tells. The template's hash is the base's by the default rules, which those of an
        adapter replace."""
        told = self.server.get("/v1/limits")
        try:
            return Limits(
                max_lora_rank=int(told["max_lora_rank"]),
                target_modules=frozenset(told["target_modules"]),
                base_model=str(told["base_model"]),
                base_sha256=str(told["base_sha256"]),
                chat_template_sha256=str(told["chat_template_sha256"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ServerError(
                f"{self.url}/v1/limits answered no limits ({error!r}): the driver `embedded` is for this "
                "project's own server only, use `vllm` for vLLM."
            ) from error
