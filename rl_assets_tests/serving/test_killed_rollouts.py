"""Rollouts whose process gets SIGKILL at any of their steps, with a server over HTTP that goes on."""

import os
import signal
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from rl_assets.core.home import Home
from rl_assets.serving import rollout
from rl_assets.serving.config import Endpoint, ServingFile
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.names import content_name
from rl_assets.serving.replicas import Replica, make_replicas
from rl_assets.serving.rollout_state import needs_probe
from rl_assets.serving.routing import read_routing
from rl_assets_tests.support.admin_server import AdminServer, admin_server
from rl_assets_tests.support.served_homes import ChosenChecks, make_champion, write_adapter

# Before and after each of: load, check, previous routing, figures, routing.json, probe, its mark, the count.
STEPS = 16


@pytest.fixture
def server() -> Iterator[AdminServer]:
    with admin_server() as found:
        yield found


def serve(paths: Home, url: str, kill_at: int | None = None) -> None:
    """A rollout; its process is killed at that step."""
    serving = ServingFile(endpoints={"local": Endpoint(urls=[url])})
    checks = ChosenChecks()
    if kill_at is not None:
        _kill_at(kill_at, checks)
    rollout.Rollout(paths, serving, make_replicas(serving, os.environ, make_driver), checks, print).run()


def _kill_at(step: int, checks: ChosenChecks) -> None:
    """In a process that is to be killed: count steps, and stop at that one."""
    left = iter(range(step, -1, -1))

    def stepping(function):
        def wrapped(*values, **named):
            _count_down(left)
            result = function(*values, **named)
            _count_down(left)
            return result

        return wrapped

    for name in ("write_routing", "write_json", "keep_previous", "mark_probed", "count_rollout"):
        setattr(rollout, name, stepping(getattr(rollout, name)))
    Replica.load = stepping(Replica.load)
    checks.parity, checks.probe = stepping(checks.parity), stepping(checks.probe)


def _count_down(left: Iterator[int]) -> None:
    if next(left, None) == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def routed(paths: Home) -> set[str]:
    routing = read_routing(paths)
    return {arm.adapter for arm in routing.arms.values() if arm.adapter} if routing else set()


@pytest.mark.slow
def test_wherever_a_rollout_is_killed_routing_names_loaded_adapters_alone_and_the_next_rollout_ends_it(
    tmp_path: Path, server: AdminServer
):
    killed = 0
    for step in range(STEPS):
        paths = Home(tmp_path / str(step))
        old, new = write_adapter(paths, f"old {step}"), write_adapter(paths, f"new {step}")
        make_champion(paths, old)
        serve(paths, server.url)
        make_champion(paths, new, old, day="2026-10-15")
        process = get_context("fork").Process(target=serve, args=(paths, server.url, step))
        process.start()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        assert routed(paths) <= server.loaded
        names = [content_name(adapter, None) for adapter in (old, new)]
        assert routed(paths) in (set(names[:1]), set(names))
        serve(paths, server.url)
        assert routed(paths) == set(names) <= server.loaded
        assert not needs_probe(paths)
    assert killed == STEPS
