"""Checks of serving: servers answer and have what is routed, what the gateway logged has landed, packages are there."""

import os
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from rl_assets.doctor.machine_checks import CheckResult, error, ok, warning
from rl_assets.serving.config import ServingFile, read_serving
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.drivers.protocol import ServerError
from rl_assets.serving.replicas import START
from rl_assets.serving.routing import Routing, read_routing
from rl_assets.settings import Settings

MAX_SPOOL_AGE_S = 2 * 3600.0
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


def spool(settings: Settings) -> Iterator[CheckResult]:
    """Whether what the gateway logged lands: its files are to be moved each hour."""
    files = [path for path in (settings.paths.serving / "spool").rglob("*.jsonl") if path.is_file()]
    ages = [_age_s(path) for path in files]
    if not ages:
        yield ok("spool", "nothing waits to land")
    elif max(ages) > MAX_SPOOL_AGE_S:
        yield warning(
            "spool",
            f"{len(files)} files wait to land, the oldest for {max(ages) / 3600:.1f} h: start the gateway, which lands "
            "what a killed one has left, or see its log",
        )
    else:
        yield ok("spool", f"{len(files)} files wait to land, the oldest for {max(ages) / 60:.0f} min")


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
