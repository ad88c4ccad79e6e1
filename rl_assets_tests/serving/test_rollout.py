"""The flow from plan to served answers, on real files, with servers in memory and checks whose verdicts are chosen."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import pytest

from rl_assets.core.home import Home
from rl_assets.models.adapters import Adapter
from rl_assets.serving.config import Endpoint, ServingFile
from rl_assets.serving.drivers.protocol import Limits
from rl_assets.serving.names import content_name
from rl_assets.serving.parity import Finding
from rl_assets.serving.refused import forget_refusals, read_refused
from rl_assets.serving.replicas import UnreachableError
from rl_assets.serving.rollout import Outcome, Rollout, RolloutError
from rl_assets.serving.rollout_state import mark_probed, needs_probe
from rl_assets.serving.routing import read_routing
from rl_assets_tests.support.served_homes import (
    ChosenChecks,
    MemoryServer,
    decide,
    make_champion,
    replicas_of,
    write_adapter,
)

SERVING = ServingFile()
NOON = datetime(2026, 10, 15, 12, tzinfo=UTC)


class StoppedChecks(ChosenChecks):
    """Checks in the middle of which the process ends."""

    def parity(self, *_: object) -> list[Finding]:
        raise KeyboardInterrupt


@pytest.fixture
def paths(tmp_path) -> Home:
    return Home(tmp_path)


def serve(
    paths: Home,
    server: MemoryServer,
    checks: ChosenChecks | None = None,
    serving: ServingFile = SERVING,
    now: datetime = NOON,
    others: tuple[MemoryServer, ...] = (),
) -> Outcome:
    replicas = replicas_of(serving, server, *others)
    return Rollout(paths, serving, replicas, checks or ChosenChecks(), print, lambda: now).run()


def name_of(adapter: Adapter) -> str:
    return content_name(adapter, None)


def routed(paths: Home) -> set[str]:
    routing = read_routing(paths)
    return {arm.adapter for arm in routing.arms.values() if arm.adapter} if routing else set()


def test_a_champion_is_loaded_checked_and_then_routed(paths):
    champion, server, checks = write_adapter(paths, "champion"), MemoryServer(), ChosenChecks()
    make_champion(paths, champion)
    outcome = serve(paths, server, checks)
    assert (outcome.version, outcome.changed, outcome.loaded) == (1, True, [name_of(champion)])
    assert checks.checked == [(name_of(champion), server.url)]
    assert server.loaded == {name_of(champion): PurePosixPath(champion.folder)}
    assert routed(paths) == {name_of(champion)}
    figures = json.loads((paths.serving / "checks" / "1.json").read_text(encoding="utf-8"))
    assert figures[f"{name_of(champion)} at {server.url}"]["identity"] == {"distance_at_1": 0.0}


def test_nothing_changed_touches_nothing(paths):
    make_champion(paths, write_adapter(paths, "champion"))
    server, checks = MemoryServer(), ChosenChecks()
    serve(paths, server)
    before, calls = paths.routing.read_bytes(), list(server.calls)
    outcome = serve(paths, server, checks)
    assert not outcome.changed and outcome.notes == ["Nothing has changed."]
    assert paths.routing.read_bytes() == before
    assert server.calls == calls and checks.checked == []


def test_a_server_that_was_started_again_is_loaded_again_and_routing_stays(paths):
    champion, server = write_adapter(paths, "champion"), MemoryServer()
    make_champion(paths, champion)
    serve(paths, server)
    before = paths.routing.read_bytes()
    server.loaded.clear()
    outcome = serve(paths, server)
    assert not outcome.changed and set(server.loaded) == {name_of(champion)}
    assert paths.routing.read_bytes() == before


def test_an_adapter_that_is_loaded_again_is_checked_again_and_unloaded_if_it_answers_otherwise(paths):
    champion, server, checks = write_adapter(paths, "champion"), MemoryServer(), ChosenChecks()
    name = name_of(champion)
    make_champion(paths, champion)
    serve(paths, server, checks)
    before = paths.routing.read_bytes()
    server.loaded.clear()
    outcome = serve(paths, server, checks)
    assert checks.checked == [(name, server.url)] * 2 and f"{name} at {server.url}" in outcome.figures
    server.loaded.clear()
    with pytest.raises(RolloutError, match=f"{name} is not served by .*: It is applied twice"):
        serve(paths, server, ChosenChecks(parity_problems={name: "It is applied twice."}))
    assert server.loaded == {} and paths.routing.read_bytes() == before
    with pytest.raises(RolloutError, match="not tried again"):
        serve(paths, server)
    assert server.loaded == {}
    forget_refusals(paths)
    assert not serve(paths, server).changed and set(server.loaded) == {name}


def test_an_adapter_that_a_killed_rollout_loaded_again_is_checked_by_the_next_one(paths):
    champion, server = write_adapter(paths, "champion"), MemoryServer()
    make_champion(paths, champion)
    serve(paths, server)
    server.loaded.clear()
    with pytest.raises(KeyboardInterrupt):
        serve(paths, server, StoppedChecks())
    assert set(server.loaded) == {name_of(champion)}
    checks = ChosenChecks()
    serve(paths, server, checks)
    assert checks.checked == [(name_of(champion), server.url)]
    serve(paths, server, checks)
    assert len(checks.checked) == 1


def test_all_replicas_are_loaded_and_checked_before_the_commit(paths):
    champion, checks = write_adapter(paths, "champion"), ChosenChecks()
    make_champion(paths, champion)
    serving = ServingFile(
        endpoints={"local": Endpoint(urls=["http://a", "http://b"], adapters_mount=PurePosixPath("/mnt/home"))}
    )
    servers = MemoryServer(), MemoryServer()
    serve(paths, servers[0], checks, serving, others=servers[1:])
    assert checks.checked == [(name_of(champion), "http://a"), (name_of(champion), "http://b")]
    assert {str(folder) for server in servers for folder in server.loaded.values()} == {
        "/mnt/home/adapters/dpo/champion"
    }


@pytest.mark.parametrize("problems", ["preflight_problems", "parity_problems"])
def test_an_adapter_that_is_refused_is_not_routed_and_not_tried_again(paths, problems):
    old, new, server = write_adapter(paths, "old"), write_adapter(paths, "new"), MemoryServer()
    make_champion(paths, old)
    serve(paths, server)
    before = paths.routing.read_bytes()
    make_champion(paths, new, old, day="2026-10-15")
    champion_file = paths.champion().read_bytes()
    checks = ChosenChecks(**{problems: {name_of(new): "The adapter is not applied."}})
    with pytest.raises(RolloutError, match=f"{name_of(new)} is not served by .*: The adapter is not applied"):
        serve(paths, server, checks)
    assert paths.routing.read_bytes() == before and set(server.loaded) == {name_of(old)}
    assert paths.champion().read_bytes() == champion_file
    calls = list(server.calls)
    with pytest.raises(RolloutError, match="not tried again until adapter or endpoint changes"):
        serve(paths, server, checks)
    assert server.calls == calls
    server.limit = Limits(max_lora_rank=64)
    assert serve(paths, server).changed and name_of(new) in routed(paths)


def test_refusals_that_are_forgotten_are_tried_again(paths):
    champion, server = write_adapter(paths, "champion"), MemoryServer(refuses="")
    make_champion(paths, champion)
    server.refuses = name_of(champion)
    with pytest.raises(RolloutError, match=r"did not load it: .* has no memory left"):
        serve(paths, server)
    assert [entry.adapter for entry in read_refused(paths).values()] == [name_of(champion)]
    server.refuses = ""
    forget_refusals(paths)
    assert serve(paths, server).changed


def test_a_refused_canary_leaves_the_champion_served(paths):
    champion, canary, server = write_adapter(paths, "champion"), write_adapter(paths, "canary"), MemoryServer()
    make_champion(paths, champion, day="2026-10-10")
    decide(paths, canary, "CANARY", "2026-10-12")
    checks = ChosenChecks(parity_problems={name_of(canary): "The adapter is applied twice."})
    with pytest.raises(RolloutError, match="applied twice"):
        serve(paths, server, checks)
    outcome = serve(paths, server, checks)
    assert routed(paths) == {name_of(champion)}
    assert any("was refused at local: The adapter is applied twice." in note for note in outcome.notes)


def test_a_failed_probe_brings_the_previous_routing_back_under_a_new_version(paths):
    old, new, server = write_adapter(paths, "old"), write_adapter(paths, "new"), MemoryServer()
    make_champion(paths, old)
    serve(paths, server)
    first = read_routing(paths)
    make_champion(paths, new, old, day="2026-10-15")
    checks = ChosenChecks(probe_problems={name_of(new): "20 of 20 requests failed."})
    with pytest.raises(RolloutError, match=r"was rolled back: 20 of 20 requests failed\. Version 3"):
        serve(paths, server, checks)
    now = read_routing(paths)
    assert first is not None and now is not None
    assert (now.version, now.arms, now.shares, now.salt) == (3, first.arms, first.shares, first.salt)
    assert set(server.loaded) == {name_of(old)}


def test_a_failed_probe_of_the_first_champion_leaves_the_base(paths):
    champion, server = write_adapter(paths, "champion"), MemoryServer()
    make_champion(paths, champion)
    with pytest.raises(RolloutError, match="was rolled back"):
        serve(paths, server, ChosenChecks(probe_problems={name_of(champion): "No answer."}))
    routing = read_routing(paths)
    assert routing is not None and routing.shares == {"product": {"*": {"assistant@base": 1.0}}}
    assert server.loaded == {}


def test_a_probe_that_a_killed_rollout_owed_is_done_by_the_next_and_may_still_roll_back(paths):
    old, new, server = write_adapter(paths, "old"), write_adapter(paths, "new"), MemoryServer()
    make_champion(paths, old)
    serve(paths, server)
    make_champion(paths, new, old, day="2026-10-15")
    serve(paths, server)
    mark_probed(paths, 1)
    with pytest.raises(RolloutError, match="was rolled back: No answer"):
        serve(paths, server, ChosenChecks(probe_problems={name_of(new): "No answer."}))
    assert routed(paths) == {name_of(old)} == set(server.loaded) and not needs_probe(paths)


def test_an_adapter_that_moves_to_another_server_is_checked_there(paths):
    champion, checks = write_adapter(paths, "champion"), ChosenChecks()
    make_champion(paths, champion)
    serve(paths, MemoryServer())
    moved = ServingFile(endpoints={"local": Endpoint(urls=["http://moved"])})
    serve(paths, MemoryServer(), checks, moved)
    assert checks.checked == [(name_of(champion), "http://moved")]


def test_a_server_that_is_away_is_named_with_the_command_that_starts_one(paths):
    make_champion(paths, write_adapter(paths, "champion"))
    with pytest.raises(UnreachableError, match=r"endpoint local.*python -m rl_assets\.serving\.server"):
        serve(paths, MemoryServer(away=True))
    assert read_routing(paths) is None and not read_refused(paths)


def test_what_is_no_longer_routed_is_unloaded_after_its_drain_and_names_of_others_never(paths):
    oldest, old, new = (write_adapter(paths, name) for name in ("oldest", "old", "new"))
    server = MemoryServer(loaded={"somebody-elses": PurePosixPath("/x")})
    make_champion(paths, old, oldest)
    serve(paths, server)
    make_champion(paths, new, old, day="2026-10-15")
    serve(paths, server)
    assert set(server.loaded) == {name_of(oldest), name_of(old), name_of(new), "somebody-elses"}
    serve(paths, server, now=NOON + timedelta(minutes=9))
    assert name_of(oldest) in server.loaded
    outcome = serve(paths, server, now=NOON + timedelta(minutes=10))
    assert outcome.unloaded == [name_of(oldest)]
    assert set(server.loaded) == {name_of(old), name_of(new), "somebody-elses"}
