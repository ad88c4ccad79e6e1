"""Starts the gateway.

python -m rl_assets.serving.gateway [--host 127.0.0.1] [--port 8800] [--land-seconds 3600]
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

import uvicorn

from rl_assets.logger import Interaction, InteractionLogger
from rl_assets.serving.config import read_serving
from rl_assets.serving.gateway.app import build_app
from rl_assets.serving.gateway.state import GatewayState
from rl_assets.serving.ports import is_loopback, listen
from rl_assets.serving.spool import ROTATE_S, Spool
from rl_assets.settings import Settings, load_settings

PORT = 8800
GRACE_S = 10


def main() -> None:
    """Run it until a signal; exits with a sentence if it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m rl_assets.serving.gateway", description="Answers calls by an arm.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; one that others reach needs a token")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument(
        "--land-seconds",
        type=float,
        default=ROTATE_S,
        help="seconds between landed files; each re-opens a day",
    )
    given = parser.parse_args()
    try:
        settings = load_settings()
        serving = read_serving(settings.serving)
        check_host(given.host, settings.gateway_token)
        listener = listen(given.host, given.port)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    service = service_logger(settings) if settings.service_url else None
    spool = Spool(settings.paths, given.land_seconds, service=service)
    state = GatewayState(settings.paths, serving, spool, settings.gateway_token)
    config = uvicorn.Config(
        build_app(state), log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S, server_header=False
    )
    uvicorn.Server(config).run(sockets=[listener])


def service_logger(settings: Settings) -> Callable[[dict[str, Any]], bool]:
    """Gives answers to the feedback service, which lands them; while it is away they wait in files of their own.

    False for one that it does not take, as it is too long or too many wait: the gateway lands that one itself.
    """
    logger = InteractionLogger(settings.service_url, settings.service_key, settings.paths.serving / "for_service")

    def log(fields: dict[str, Any]) -> bool:
        own = {name: fields[name] for name in ("query", "agent_type", "interaction_id", "timestamp")}
        further = {name: value for name, value in fields.items() if name not in (*own, "answer")}
        dropped = logger.dropped
        logger.log(Interaction(**own, answer=fields.get("answer"), further=further))
        return logger.dropped == dropped

    return log


def check_host(host: str, token: str | None) -> None:
    """Raise ValueError for an address that others reach if they need no token."""
    if token is None and not is_loopback(host):
        raise ValueError(
            f"{host} can be reached from other machines, and the gateway has no token: set RL_ASSETS_GATEWAY_TOKEN to "
            "a secret of 16 characters or more, or listen on 127.0.0.1."
        )


if __name__ == "__main__":
    main()
