"""All servers of the declared endpoints, each with its driver: what is loaded where, and how to start one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from rl_assets.core.home import Home
from rl_assets.serving.config import DriverName, Endpoint, ServingFile
from rl_assets.serving.drivers.protocol import Driver, Limits, ServerError
from rl_assets.serving.names import BASE
from rl_assets.serving.roles import ServedAdapter
from rl_assets.serving.routing import Routing

START: Mapping[DriverName, str] = {
    "embedded": "start it with `python -m rl_assets.serving.server`",
    "vllm": "start it with `VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 vllm serve <base model> --served-model-name base "
    "--enable-lora --max-loras 4 --max-lora-rank <rank>`",
    "sglang": "start it with `python -m sglang.launch_server --model-path <base model> --served-model-name base "
    "--enable-lora --max-lora-rank <rank> --lora-target-modules all`",
    "static": "start it, or fix its `urls` in the serving file",
}
MakeDriver = Callable[[Endpoint, str, Mapping[str, str]], Driver]


class UnreachableError(RuntimeError):
    """A server does not answer; the message names it and says how to start it."""


@dataclass(frozen=True)
class Replica:
    """One server of an endpoint, at one of its declared URLs."""

    endpoint: str
    config: Endpoint
    declared_url: str
    driver: Driver

    @property
    def url(self) -> str:
        """Its address."""
        return self.driver.url

    @cached_property
    def limits(self) -> Limits:
        """What it accepts; asked once."""
        return self.driver.limits()

    def place(self, served: ServedAdapter) -> tuple[str, str, str]:
        """Content name, endpoint and URL of an adapter here, as `routing.json` has them."""
        return served.name, self.endpoint, self.declared_url

    def names(self) -> frozenset[str]:
        """What it can be asked for now."""
        return self.driver.names()

    def load(self, home: Home, served: ServedAdapter) -> None:
        """Load the adapter from its folder as the server sees it. ServerError if it cannot."""
        if not self.limits.can_load:
            raise ServerError(f"{self.url} has fixed models, and {served.name} is none of them")
        folder = served.adapter.folder.resolve()
        mount = self.config.adapters_mount
        inside = mount / folder.relative_to(home.folder.resolve()).as_posix() if mount else PurePosixPath(folder)
        self.driver.load(served.name, inside)


@dataclass(frozen=True)
class Replicas:
    """The servers by endpoint, those of segments first. Other arms' endpoints are not loaded, and may be away."""

    by_endpoint: Mapping[str, Sequence[Replica]]

    def of(self, endpoint: str) -> Sequence[Replica]:
        """The servers of an endpoint."""
        return self.by_endpoint[endpoint]

    def all(self) -> Iterator[Replica]:
        """Every server."""
        for replicas in self.by_endpoint.values():
            yield from replicas

    def require_ready(self) -> None:
        """UnreachableError unless every server answers and has its base under the name that arms use."""
        for replica in self.all():
            try:
                replica.driver.probe()
                names = replica.names()
            except ServerError as error:
                start = START[replica.config.driver]
                raise UnreachableError(
                    f"No server is ready at {replica.url} (endpoint {replica.endpoint}): {start}. {error}"
                ) from error
            if BASE not in names:
                raise UnreachableError(
                    f"The server at {replica.url} (endpoint {replica.endpoint}) has no model `{BASE}`: give its base "
                    f"model that name (vLLM and SGLang: `--served-model-name {BASE}`)."
                )

    def missing(self, routing: Routing | None) -> list[tuple[Replica, str]]:
        """What `routing.json` names and a server does not have. ServerError if one does not answer."""
        found = list[tuple[Replica, str]]()
        if routing is None:
            return found
        for replica in self.all():
            routed = {arm.adapter for arm in routing.arms.values() if arm.endpoint == replica.endpoint and arm.adapter}
            found += [(replica, name) for name in sorted(routed - replica.names())]
        return found


def make_replicas(serving: ServingFile, environment: Mapping[str, str], make: MakeDriver) -> Replicas:
    """The servers of all segments' endpoints."""
    names = dict.fromkeys(segment.endpoint for segment in serving.segments.values())
    return Replicas(
        {
            name: [Replica(name, config, url, make(config, url, environment)) for url in config.urls]
            for name in names
            for config in (serving.endpoints[name],)
        }
    )
