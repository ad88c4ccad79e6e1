"""Ticks of the sensor that requests a rollout, through Dagster, with a server over HTTP."""

import json
import os
import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.definitions import defs
from rl_assets.defs.serving.champion_changed import champion_changed
from rl_assets.defs.serving.served_champion import served_champion
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.doctor import serving_checks
from rl_assets.serving.config import read_serving
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.names import content_name
from rl_assets.serving.replicas import make_replicas
from rl_assets.serving.rollout import Rollout, RolloutError
from rl_assets.serving.rollout_state import only_rollout
from rl_assets.serving.routing import write_routing
from rl_assets.settings import Settings
from rl_assets_tests.support.admin_server import AdminServer, admin_server
from rl_assets_tests.support.gateways import BASE_ARM, arm, gateway, routing
from rl_assets_tests.support.served_homes import ChosenChecks, decide, make_champion, write_adapter


@pytest.fixture
def server() -> Iterator[AdminServer]:
    with admin_server() as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path, server: AdminServer) -> Settings:
    """A home without a champion, whose adapters are to be served by the server."""
    file = tmp_path / "serving.yaml"
    file.write_text(yaml.safe_dump({"endpoints": {"local": {"urls": [server.url]}}}), encoding="utf-8")
    return Settings(home=tmp_path / "home", serving=file)


def tick(settings: Settings, instance: dg.DagsterInstance):
    resources = {"home": HomeResource.from_settings(settings)}
    return champion_changed.evaluate_tick(dg.build_sensor_context(instance, resources=resources, definitions=defs))


def key(settings: Settings, instance: dg.DagsterInstance) -> str:
    """The run key of the tick's one request."""
    (request,) = tick(settings, instance).run_requests
    return request.run_key


def serve(settings: Settings, checks: ChosenChecks | None = None, minutes: float = 0) -> None:
    serving = read_serving(settings.serving)
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    replicas = make_replicas(serving, os.environ, make_driver)
    Rollout(settings.paths, serving, replicas, checks or ChosenChecks(), print, lambda: now).run()


def test_without_a_champion_nothing_is_requested(settings, instance):
    assert (
        tick(settings, instance).skip_message == "There is no champion and no canary yet, so nothing is to be served."
    )


def test_a_new_champion_is_requested_once_and_then_served(settings, instance):
    make_champion(settings.paths, write_adapter(settings.paths, "champion"))
    first = key(settings, instance)
    assert key(settings, instance) == first
    serve(settings)
    assert tick(settings, instance).skip_message == "Version 1 is served everywhere."


def test_a_canary_is_another_request(settings, instance):
    make_champion(settings.paths, write_adapter(settings.paths, "champion"), day="2026-10-10")
    first = key(settings, instance)
    serve(settings)
    decide(settings.paths, write_adapter(settings.paths, "canary"), "CANARY", "2026-10-12")
    assert key(settings, instance) != first


@pytest.mark.slow
def test_each_restart_of_a_server_is_one_request(settings, instance, server):
    make_champion(settings.paths, write_adapter(settings.paths, "champion"))
    serve(settings)
    keys = []
    for _ in range(2):
        server.loaded.clear()
        keys.append(key(settings, instance))
        assert key(settings, instance) == keys[-1]
        serve(settings)
        assert tick(settings, instance).skip_message == "Version 1 is served everywhere."
    assert keys[0] != keys[1]


def test_a_rollout_that_an_error_broke_off_is_requested_again_later_and_then_less_and_less_often(settings, instance):
    make_champion(settings.paths, write_adapter(settings.paths, "champion"))
    keys = [key(settings, instance)]
    for ago in (3, 5):
        with pytest.raises(OSError, match="disk is full"):
            serve(settings, BrokenChecks(), minutes=-0.5)
        assert "was broken off: see its run" in tick(settings, instance).skip_message
        counts = settings.paths.serving / "rollouts.json"
        begun_at = (datetime.now(UTC) - timedelta(minutes=ago)).isoformat()
        write_json(counts, json.loads(counts.read_text(encoding="utf-8")) | {"begun_at": begun_at})
        keys.append(key(settings, instance))
    assert len({*keys}) == 3
    serve(settings)
    assert tick(settings, instance).skip_message == "Version 1 is served everywhere."


class BrokenChecks(ChosenChecks):
    def parity(self, *_):
        raise OSError("the disk is full")


def test_a_server_that_went_away_before_the_run_began_is_requested_again(settings, instance, server):
    make_champion(settings.paths, write_adapter(settings.paths, "champion"))
    first, url = key(settings, instance), server.url
    settings.serving.write_text("endpoints: {local: {urls: ['http://127.0.0.1:9']}}\n", encoding="utf-8")
    resources = {"home": HomeResource.from_settings(settings)}
    assert not dg.materialize([served_champion], instance=instance, resources=resources, raise_on_error=False).success
    settings.serving.write_text(yaml.safe_dump({"endpoints": {"local": {"urls": [url]}}}), encoding="utf-8")
    assert key(settings, instance) != first


def test_two_rollouts_of_a_home_are_one_after_the_other(settings, instance):
    make_champion(settings.paths, write_adapter(settings.paths, "champion"))
    said = queue.Queue[str]()
    serving = read_serving(settings.serving)
    replicas = make_replicas(serving, os.environ, make_driver)
    second = threading.Thread(target=Rollout(settings.paths, serving, replicas, ChosenChecks(), said.put).run)
    with only_rollout(settings.paths, print):
        assert tick(settings, instance).skip_message == "A rollout is under way."
        second.start()
        assert said.get(timeout=60) == "another rollout is under way: waiting for its end"
        assert not settings.paths.routing.is_file()
    second.join()
    assert tick(settings, instance).skip_message == "Version 1 is served everywhere."


def test_a_refused_pair_is_not_requested_again_until_the_endpoint_changes(settings, instance, server):
    champion = write_adapter(settings.paths, "champion")
    make_champion(settings.paths, champion)
    name = content_name(champion, None)
    with pytest.raises(RolloutError):
        serve(settings, ChosenChecks(parity_problems={name: "The adapter is not applied."}))
    skipped = tick(settings, instance).skip_message
    assert f"{name} was refused at local: The adapter is not applied." in skipped and "retry_refused" in skipped
    server.limits["max_lora_rank"] = 128
    assert key(settings, instance)


def test_a_drain_that_is_over_is_requested(settings, instance, server):
    adapters = [write_adapter(settings.paths, name) for name in ("new", "old", "oldest")]
    make_champion(settings.paths, *adapters[1:])
    serve(settings, minutes=-30)
    make_champion(settings.paths, *adapters[:2], day="2026-10-15")
    serve(settings, minutes=-20)
    assert key(settings, instance)
    serve(settings)
    assert server.loaded == {content_name(adapter, None) for adapter in adapters[:2]}
    assert tick(settings, instance).skip_message == "Version 2 is served everywhere."


def test_servers_of_this_machine_are_reached_past_a_proxy(settings, instance, monkeypatch):
    make_champion(settings.paths, write_adapter(settings.paths, "champion"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    serve(settings)
    assert tick(settings, instance).skip_message == "Version 1 is served everywhere."
    with gateway(settings.paths) as started:
        (found,) = serving_checks.gateway(settings.model_copy(update={"gateway_url": started.url}))
        assert found.status == "ok"


def test_a_server_that_is_away_is_a_reason_to_skip_with_the_command_that_starts_one(settings, instance, tmp_path):
    make_champion(settings.paths, write_adapter(settings.paths, "champion"))
    (tmp_path / "serving.yaml").write_text("endpoints: {local: {urls: ['http://127.0.0.1:9']}}\n", encoding="utf-8")
    skipped = tick(settings, instance).skip_message
    assert "No server is ready at http://127.0.0.1:9 (endpoint local)" in skipped
    assert "python -m rl_assets.serving.server" in skipped


def doctor(settings: Settings) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for check in (*serving_checks.serving(settings), *serving_checks.spool(settings)):
        found.setdefault(check.status, []).append(check.message)
    return found


def test_the_doctor_finds_nothing_served(settings):
    assert doctor(settings) == {
        "ok": ["nothing is served: served_champion has not been materialized", "nothing waits to land"]
    }


def test_the_doctor_names_what_a_server_has_lost_and_a_server_that_is_away(settings, server, tmp_path):
    champion = write_adapter(settings.paths, "champion")
    make_champion(settings.paths, champion)
    serve(settings)
    assert set(doctor(settings)) == {"ok"}
    server.loaded.clear()
    (lost,) = doctor(settings)["error"]
    assert f"lacks {content_name(champion, None)}, which are routed: materialize served_champion" in lost
    (tmp_path / "serving.yaml").write_text("endpoints: {local: {urls: ['http://127.0.0.1:9']}}\n", encoding="utf-8")
    (away,) = doctor(settings)["error"]
    assert "http://127.0.0.1:9 (endpoint local) does not answer: start it with" in away


def test_the_doctor_names_lines_that_do_not_land(settings):
    spooled = Home(settings.home).serving / "spool" / "sealed" / "gateway-1.jsonl"
    spooled.parent.mkdir(parents=True)
    spooled.write_text("{}\n", encoding="utf-8")
    assert set(doctor(settings)) == {"ok"}
    three_hours_ago = datetime.now(UTC).timestamp() - 3 * 3600
    os.utime(spooled, (three_hours_ago, three_hours_ago))
    (late,) = doctor(settings)["warning"]
    assert "1 files wait to land, the oldest for 3.0 h" in late


def test_the_doctor_names_answers_that_wait_for_the_feedback_service(settings):
    waiting = settings.paths.serving / "for_service" / "0a1b" / "7-x.jsonl"
    waiting.parent.mkdir(parents=True)
    waiting.write_text("{}\n", encoding="utf-8")
    assert "1 files wait to be sent, the oldest for 0 min" in doctor(settings)["ok"]
    os.utime(waiting, (0, 0))
    (late,) = doctor(settings)["warning"]
    assert "start the feedback service" in late


def test_the_doctor_asks_the_gateway_what_it_answers_by_and_what_it_dropped(tmp_path):
    settings = Settings(home=tmp_path, gateway_url="http://127.0.0.1:9")
    assert [*serving_checks.gateway(settings)] == []
    write_routing(settings.paths, routing({BASE_ARM: arm("http://127.0.0.1:9", "base", None)}, {BASE_ARM: 1.0}))
    (away,) = serving_checks.gateway(settings)
    assert away.status == "warning" and "http://127.0.0.1:9 does not answer: start it with" in away.message
    with gateway(settings.paths) as started:
        running = settings.model_copy(update={"gateway_url": started.url})
        (fine,) = serving_checks.gateway(running)
        assert fine.message.endswith("answers by version 1 of routing.json and has dropped no line")
        started.state.spool._counts.drop(3)
        started.state.routing.look = lambda: None  # the gateway does not see the new version
        newer = routing({BASE_ARM: arm("http://127.0.0.1:9", "base", None)}, {BASE_ARM: 1.0}, version=2)
        write_routing(settings.paths, newer)
        (late,) = serving_checks.gateway(running)
    assert late.status == "warning" and "it has dropped 3 lines" in late.message
    assert "version 1 of routing.json, which is at 2" in late.message
