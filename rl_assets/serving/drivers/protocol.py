"""What a driver can do with one server of models: the vocabulary that every driver and its callers share."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol


class ServerError(RuntimeError):
    """A server refused, cannot be reached, or answered what no such server answers; the message names it."""


@dataclass(frozen=True)
class Limits:
    """What a server accepts and is; None where it does not say.

    `target_modules` are those that an adapter may change. `base_sha256` and `chat_template_sha256` are those of the
    model that it serves, in this project's hashes.
    """

    max_lora_rank: int | None = None
    target_modules: frozenset[str] | None = None
    base_model: str | None = None
    base_sha256: str | None = None
    chat_template_sha256: str | None = None
    can_load: bool = True


class Driver(Protocol):
    """Adapters of one server, which is one replica of an endpoint. Every method may raise ServerError."""

    url: str

    def names(self) -> frozenset[str]:
        """Names of the adapters and other models that can be asked for now."""

    def request_name(self, name: str) -> str:
        """What a request's `model` must be to be answered by that name."""

    def load(self, name: str, folder: PurePosixPath) -> None:
        """Make the adapter in `folder`, as the server sees it, answer as `name`; nothing if it does already."""

    def unload(self, name: str) -> None:
        """Let go of a name; nothing if it is not loaded."""

    def limits(self) -> Limits:
        """What the server accepts."""

    def probe(self) -> None:
        """Return if the server is ready to answer."""
