"""SGLang. Rank and target modules are fixed when it starts (`--max-lora-rank`, `--lora-target-modules`).

A request names an adapter as `<base>:<adapter>`. The plain name of an adapter would be answered by the base, without an
error: `request_name` makes the one from the other.
"""

from pathlib import PurePosixPath
from typing import Any

from rl_assets.serving.drivers.openai_server import LOAD_S, OpenAIDriver, error_text
from rl_assets.serving.drivers.protocol import Limits, ServerError

LOAD, UNLOAD = "/load_lora_adapter", "/unload_lora_adapter"
# Newer versions, and older ones.
INFO = ("/server_info", "/get_server_info")
START = "start SGLang with --enable-lora, --max-lora-rank and --lora-target-modules"


class SGLangDriver(OpenAIDriver):
    """Adapters of one SGLang server."""

    def request_name(self, name: str) -> str:
        """`<base>:<name>` for an adapter, the name itself for the base."""
        bases = self._bases()
        return name if name in bases else f"{bases[0]}:{name}"

    def load(self, name: str, folder: PurePosixPath) -> None:
        """Load an adapter; nothing if the name is there. One that did not fit is asked to be forgotten again."""
        if name in self.names():
            return
        status, body = self.server.call("POST", LOAD, {"lora_name": name, "lora_path": str(folder)}, LOAD_S)
        if _succeeded(status, body) or name in self.names():
            return
        raise ServerError(
            f"{self.url} did not load {name}: {status}, {error_text(body)}. To go on, {START} that fit the adapter, "
            "and see that `adapters_mount` is the home as the server sees it."
        )

    def unload(self, name: str) -> None:
        """Forget an adapter; nothing if it is not there."""
        if name not in self.names():
            return
        status, body = self.server.call("POST", UNLOAD, {"lora_name": name})
        if not _succeeded(status, body) and name in self.names():
            raise ServerError(f"{self.url} did not unload {name}: {status}, {error_text(body)}. See the server's log.")

    def limits(self) -> Limits:
        """What the server was started with."""
        info = self._info()
        modules = info.get("lora_target_modules")
        return Limits(
            max_lora_rank=info.get("max_lora_rank"),
            target_modules=None if not modules or "all" in modules else frozenset(modules),
            base_model=info.get("model_path"),
            can_load=bool(info.get("enable_lora")),
        )

    def probe(self) -> None:
        """Return if `/health` answers 200."""
        status, body = self.server.call("GET", "/health")
        if status != 200:
            raise ServerError(f"{self.url}/health answered {status} ({error_text(body)}): restart the server.")

    def _bases(self) -> list[str]:
        bases = [str(card["id"]) for card in self.server.cards() if not card.get("parent")]
        if not bases:
            raise ServerError(f"{self.url}/v1/models lists no base model: this driver needs a server with one.")
        return bases

    def _info(self) -> dict[str, Any]:
        for path in INFO:
            status, body = self.server.call("GET", path)
            if status == 200 and isinstance(body, dict):
                return body
        raise ServerError(
            f"{self.url} has neither {' nor '.join(INFO)}: use the driver `sglang` for SGLang servers only."
        )


def _succeeded(status: int, body: Any) -> bool:
    return status == 200 and isinstance(body, dict) and body.get("success") is True
