"""Serves the champion on this machine: the embedded server of models, the gateway in front of it, and a rollout.

python -m rl_assets.serving [--port 8800] [--land-seconds 60]

The rollout is that of the asset `served_champion`: the champion is loaded, compared with what was measured, and named
in `routing.json`; what that file names already is loaded again. Both processes end with this one.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

from rl_assets.core.home import Home
from rl_assets.evaluation.promotion.champion import read_champion
from rl_assets.models.base_models import ensure_base_model
from rl_assets.routing.config import read_router
from rl_assets.serving.checks import ServingChecks
from rl_assets.serving.config import ServingFile, read_serving
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.drivers.protocol import ServerError
from rl_assets.serving.gateway_probe import GatewayProbe
from rl_assets.serving.ports import check_port, is_loopback, open_url
from rl_assets.serving.replicas import UnreachableError, make_replicas
from rl_assets.serving.rollout import Outcome, Rollout, RolloutError
from rl_assets.serving.routing import read_routing
from rl_assets.serving.share_updates import update_shares
from rl_assets.settings import Settings, load_settings

PORT = 8800
LAND_SECONDS = 60.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
START_S, STOP_S, LOOK_EVERY_S = 300.0, 30.0, 0.2
EXAMPLE = """
The gateway answers at http://127.0.0.1:{port}/v1 by {arms}. Ctrl-C ends it.

    from openai import OpenAI

    client = OpenAI(base_url="http://127.0.0.1:{port}/v1", api_key={key})
    messages = [{{"role": "user", "content": "Where is my order?"}}]
    reply = client.chat.completions.with_raw_response.create(model="auto", messages=messages)
    print(reply.parse().choices[0].message.content, reply.headers["x-interaction-id"])

What a user says of an answer: POST /v1/feedback {{"interaction_id": "...", "thumbs": "up"}}. Answers and feedback land
within {land:g} s of being logged; materialize `interactions` and `feedback` of today to see them."""


class ServingError(RuntimeError):
    """Serving cannot begin or go on; the message says what to do."""


def main() -> None:
    """Serve until a signal; exits with a sentence if that cannot begin or ends by itself."""
    parser = argparse.ArgumentParser(prog="python -m rl_assets.serving", description="Serves the champion here.")
    parser.add_argument("--port", type=int, default=PORT, help="of the gateway (default: %(default)s)")
    parser.add_argument("--land-seconds", type=float, default=LAND_SECONDS, help="seconds until logged lines land")
    given = parser.parse_args()
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    try:
        settings = load_settings()
        serve(settings, read_serving(settings.serving), given.port, given.land_seconds)
    except KeyboardInterrupt:
        print("ended", flush=True)
    except (ServingError, RolloutError, UnreachableError, ServerError, OSError, ValueError) as error:
        sys.exit(str(error))


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def serve(settings: Settings, serving: ServingFile, port: int, land_seconds: float) -> None:
    """Start both processes, roll out, and wait. KeyboardInterrupt ends it; everything else is an error."""
    home = settings.paths
    check_home(home)
    servers = {url: _port_of(url) for url in embedded_urls(serving)}
    for own in (port, *servers.values()):
        check_port("127.0.0.1", own)
    python = [sys.executable, "-m"]
    commands = {url: [*python, "rl_assets.serving.server", "--port", str(own)] for url, own in servers.items()}
    gateway = f"http://127.0.0.1:{port}"
    options = ["--port", str(port), "--land-seconds", f"{land_seconds:g}"]
    commands[gateway] = [*python, "rl_assets.serving.gateway", *options]
    with running(commands) as processes:
        for url, process in processes.items():
            wait_for_health(url, process)
        outcome = roll_out(settings, serving, gateway)
        print(_ready(home, port, land_seconds, settings.gateway_token, outcome), flush=True)
        while all(process.poll() is None for process in processes.values()):
            time.sleep(LOOK_EVERY_S)
        ended = next(url for url, process in processes.items() if process.poll() is not None)
        raise ServingError(f"The process of {ended} ended by itself (its own words are above).")


def check_home(home: Home) -> None:
    """ServingError if there is nothing to serve, or nowhere to write."""
    if not home.folder.is_dir():
        raise ServingError(f"There is no {home.folder}: run `make demo` first, or set RL_ASSETS_HOME.")
    if read_champion(home) is None and not home.segments_with_champion() and not home.routing.is_file():
        raise ServingError(
            f"{home.champion()} does not exist, so there is no champion to serve: run `make demo` first, which trains "
            "and promotes one."
        )
    try:
        home.serving.mkdir(exist_ok=True)
        probe = home.serving / f".{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ServingError(
            f"{home.serving} cannot be written ({error.strerror}): serving keeps its routing and its log there. Give "
            "this user the right to write, or set RL_ASSETS_HOME to another folder."
        ) from error


def embedded_urls(serving: ServingFile) -> list[str]:
    """Addresses of this machine at which segments expect the embedded server."""
    endpoints = [serving.endpoints[segment.endpoint] for segment in serving.segments.values()]
    urls = [url for endpoint in endpoints if endpoint.driver == "embedded" for url in endpoint.urls]
    return [url for url in dict.fromkeys(urls) if is_loopback(urlsplit(url).hostname or "")]


def _port_of(url: str) -> int:
    port = urlsplit(url).port
    if port is None:
        raise ServingError(f"{url} names no port: write it in the serving file, as http://127.0.0.1:8801")
    return port


@contextmanager
def running(commands: dict[str, list[str]]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The commands as processes by address; at the end all are ended, the last first."""
    processes = dict[str, subprocess.Popen[bytes]]()
    try:
        for url, command in commands.items():
            processes[url] = subprocess.Popen(command)
        yield processes
    finally:
        # A second one would leave processes behind.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        _end([*reversed(processes.values())])


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask each to end, and make those that do not."""
    for process in processes:
        process.terminate()
    until = time.monotonic() + STOP_S
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_health(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the process answers there, whatever it says. ServingError if it ends, or takes too long."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise ServingError(f"The process of {url} ended before it listened (its own words are above).")
        try:
            with open_url(f"{url}/health", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(LOOK_EVERY_S)
    raise ServingError(f"{url} does not answer after {START_S:g} s.")


def roll_out(settings: Settings, serving: ServingFile, gateway: str) -> Outcome:
    """Serve what the champion files say, checked as `served_champion` does."""
    home = settings.paths
    find_base = partial(ensure_base_model, settings.base_model, home.models, _say)
    probe = GatewayProbe(gateway, settings.gateway_token)
    checks = ServingChecks(home, find_base, os.environ, probe, _say)
    router = read_router(settings.router) if settings.router else None
    replicas = make_replicas(serving, os.environ, make_driver)
    outcome = Rollout(home, serving, replicas, checks, _say, router=router).run()
    if router and (problem := update_shares(home, serving, replicas, router).problem):
        outcome.notes.append(problem)
    return outcome


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def _ready(home: Home, port: int, land_seconds: float, token: str | None, outcome: Outcome) -> str:
    """What a user can do now, and what the rollout noticed."""
    routing = read_routing(home)
    arms = ", ".join(sorted(routing.arms)) if routing else "no arm"
    key = 'os.environ["RL_ASSETS_GATEWAY_TOKEN"]' if token else '"none"'
    notes = "".join(f"\n{note}" for note in outcome.notes)
    return EXAMPLE.format(port=port, arms=arms, key=key, land=land_seconds) + notes


if __name__ == "__main__":
    main()
