"""The driver of an endpoint's server, by the name that the serving file gives."""

from collections.abc import Callable, Mapping

from rl_assets.serving.config import Endpoint
from rl_assets.serving.drivers.protocol import Driver, ServerError
from rl_assets.serving.drivers.sglang import SGLangDriver
from rl_assets.serving.drivers.static import StaticDriver
from rl_assets.serving.drivers.vllm import EmbeddedDriver, VLLMDriver

DRIVERS: Mapping[str, Callable[[str, str | None], Driver]] = {
    "embedded": EmbeddedDriver,
    "vllm": VLLMDriver,
    "sglang": SGLangDriver,
    "static": StaticDriver,
}


def make_driver(endpoint: Endpoint, url: str, environment: Mapping[str, str]) -> Driver:
    """A driver for one of the endpoint's URLs. ServerError if the variable with its token is not set."""
    return DRIVERS[endpoint.driver](url, token_of(endpoint.token_env, url, environment))


def token_of(name: str | None, url: str, environment: Mapping[str, str]) -> str | None:
    """The token in the environment variable of that name; None if an endpoint names none."""
    if name is None:
        return None
    if not environment.get(name):
        raise ServerError(f"The token for {url} is to be in the environment variable {name}, which is not set: set it.")
    return environment[name]
