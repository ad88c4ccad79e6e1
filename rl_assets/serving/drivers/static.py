"""A server with fixed names: merged or quantized weights, Ollama, llama.cpp, another team's. Checked, never loaded.

llama.cpp loads adapters only when it starts, and reuses cached prompts across them: one process per adapter.
"""

from pathlib import PurePosixPath

from rl_assets.serving.drivers.openai_server import OpenAIDriver
from rl_assets.serving.drivers.protocol import Limits, ServerError


class StaticDriver(OpenAIDriver):
    """The names of one server, which nobody changes from here."""

    def load(self, name: str, folder: PurePosixPath) -> None:
        """Nothing if the server has the name; ServerError if not."""
        if name not in (names := self.names()):
            raise ServerError(
                f"{self.url} has {', '.join(sorted(names)) or 'no model'}, not {name}, and its names are fixed (driver "
                f"static): start it with {folder} under that name, or use the driver of a server that loads adapters."
            )

    def unload(self, name: str) -> None:
        """Nothing: the names are not ours."""

    def limits(self) -> Limits:
        """That nothing can be loaded."""
        return Limits(can_load=False)

    def probe(self) -> None:
        """Return if the server lists its names: not every one has `/health`."""
        self.server.cards()
