"""Checks of serving: servers and gateway answer and have what is routed, and what was logged has landed."""

import json
import os
import time
import urllib.error
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from rl_assets.doctor.machine_checks import CheckResult, error, ok, warning
from rl_assets.serving.config import ServingFile, read_serving
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.drivers.protocol import ServerError
from rl_assets.serving.ports import open_url
from rl_assets.serving.replicas import START
from rl_assets.serving.routing import Routing, read_routing
from rl_assets.settings import Settings

MAX_SPOOL_AGE_S = 2 * 3600.0
GATEWAY_S = 10.0
GATEWAY = "python -m rl_assets.serving.gateway"
SERVE = "materialize served_champion"
PACKAGES = ("starlette", "uvicorn", "httpx2")


def serving(settings: Settings) -> Iterator[CheckResult]:
    """Whether what `routing.json` names is loaded wherever it says, and with which versions it is served."""
    try:
        routing, file = read_routing(settings.paths), read_serving(settings.serving)
    except (ValueError, OSError) as problem:
        yield error("serving", str(problem))
        return
    if routing is None:
        yield ok("serving", "nothing is served: served_champion has not been materialized")
        return
    for name in sorted({arm.endpoint for arm in routing.arms.values()}):
        yield from _endpoint(name, routing, file)
    yield _versions(routing)


def gateway(settings: Settings) -> Iterator[CheckResult]:
    """Whether the gateway answers by the routing in force, without problems of its own and without dropping lines."""
    try:
        routing = read_routing(settings.paths)
    except (ValueError, OSError):
        return  # `serving` says so.
    if routing is None:
        return
    url = settings.gateway_url.rstrip("/")
    try:
        health = _health(url)
    except (OSError, ValueError) as problem:
        yield warning(
            "gateway", f"{url} does not answer: start it with `{GATEWAY}`, or set RL_ASSETS_GATEWAY_URL. {problem}"
        )
        return
    problems = [str(problem) for problem in health["problems"]]
    if health["routing_version"] != routing.version:
        problems.append(
            f"it answers by version {health['routing_version']} of routing.json, which is at {routing.version}"
        )
    if dropped := health["lines"]["dropped"]:
        problems.append(f"it has dropped {dropped} lines, which are in no log: see why its log could not be written")
    if problems:
        yield warning("gateway", f"{url}: {'; '.join(problems)}")
    else:
        yield ok("gateway", f"{url} answers by version {routing.version} of routing.json and has dropped no line")


def _health(url: str) -> dict[str, Any]:
    """What the gateway says of itself. Raises OSError if none answers there, ValueError if it is another server."""
    try:
        with open_url(f"{url}/health", timeout=GATEWAY_S) as reply:
            content = reply.read()
    except urllib.error.HTTPError as error:
        with error:
            content = error.read()
    health = json.loads(content)
    if not isinstance(health, dict) or not {"problems", "routing_version", "lines"} <= health.keys():
        raise ValueError("what answers there is no gateway")
    return health


def spool(settings: Settings) -> Iterator[CheckResult]:
    """Whether what the gateway logged lands: its files are to be moved each hour, or given to the feedback service."""
    serving = settings.paths.serving
    yield _waiting(
        serving / "spool", "land", "start the gateway, which lands what a killed one has left, or see its log"
    )
    if (serving / "for_service").is_dir():
        yield _waiting(
            serving / "for_service", "be sent", "start the feedback service, and the gateway, which sends them"
        )


def _waiting(folder: Path, to: str, remedy: str) -> CheckResult:
    files = [path for path in folder.rglob("*.jsonl") if path.is_file() and path.stat().st_size]
    ages = [_age_s(path) for path in files]
    if not ages:
        return ok("spool", f"nothing waits to {to}")
    if max(ages) > MAX_SPOOL_AGE_S:
        oldest = f"the oldest for {max(ages) / 3600:.1f} h"
        return warning("spool", f"{len(files)} files wait to {to}, {oldest}: {remedy}")
    return ok("spool", f"{len(files)} files wait to {to}, the oldest for {max(ages) / 60:.0f} min")


def _age_s(path: Path) -> float:
    """Seconds since the last line; 0 for a file that has just landed."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _endpoint(name: str, routing: Routing, file: ServingFile) -> Iterator[CheckResult]:
    """Each server of an endpoint."""
    config = file.endpoints.get(name)
    if config is None:
        yield error("serving", f"routing.json names the endpoint {name}, which the serving file lacks: {SERVE}")
        return
    routed = {arm.adapter or arm.model for arm in routing.arms.values() if arm.endpoint == name}
    for url in config.urls:
        try:
            driver = make_driver(config, url, os.environ)
            driver.probe()
            missing = sorted(routed - driver.names())
        except ServerError as problem:
            yield error("serving", f"{url} (endpoint {name}) does not answer: {START[config.driver]}. {problem}")
            continue
        if missing:
            yield error("serving", f"{url} (endpoint {name}) lacks {', '.join(missing)}, which are routed: {SERVE}")
        else:
            yield ok("serving", f"{url} (endpoint {name}) has all {len(routed)} models that are routed")


def _versions(routing: Routing) -> CheckResult:
    """The version of the routing, and those of the packages that the gateway and our own server run on."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            return warning("serving", f"{package} is not installed: pip install 'rl-assets[serve]'")
    return ok("serving", f"routing.json is version {routing.version}; {', '.join(found)}")
