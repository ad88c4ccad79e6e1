"""New learned shares reach `routing.json` by the sensor's tick and the job that it requests, with no arm touched."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from rl_assets.definitions import build_defs
from rl_assets.defs.serving.champion_changed import champion_changed
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.routing.config import read_router
from rl_assets.routing.learned import LearnedShares, write_learned
from rl_assets.serving import share_updates
from rl_assets.serving.config import read_serving
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.replicas import make_replicas
from rl_assets.serving.rollout import Rollout
from rl_assets.serving.rollout_state import needs_probe
from rl_assets.serving.routing import Routing, Shares, read_routing
from rl_assets.settings import Settings
from rl_assets_tests.support.admin_server import AdminServer, admin_server
from rl_assets_tests.support.served_homes import ChosenChecks, decide, make_champion, write_adapter


@pytest.fixture
def server() -> Iterator[AdminServer]:
    with admin_server() as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path, server: AdminServer) -> Settings:
    """A served champion, and the one before it; shares are to be learned."""
    files = {
        "serving.yaml": {"endpoints": {"local": {"urls": [server.url]}}},
        "router.yaml": {"arms": ["assistant"]},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    settings = Settings(home=tmp_path / "home", serving=tmp_path / "serving.yaml", router=tmp_path / "router.yaml")
    paths = settings.paths
    make_champion(paths, write_adapter(paths, "champion"), write_adapter(paths, "old"), day="2026-10-10")
    roll_out(settings)
    return settings


def roll_out(settings: Settings, checks: ChosenChecks | None = None) -> None:
    serving = read_serving(settings.serving)
    replicas = make_replicas(serving, os.environ, make_driver)
    Rollout(
        settings.paths, serving, replicas, checks or ChosenChecks(), print, router=read_router(settings.router)
    ).run()


def in_force(settings: Settings) -> Routing:
    routing = read_routing(settings.paths)
    assert routing is not None
    return routing


def arm(settings: Settings, role: str) -> str:
    return next(name for name, arm in in_force(settings).arms.items() if arm.role == role)


def learn(settings: Settings, day: str = "2026-10-13", **shares: float) -> Shares:
    """The product's shares by role, in every category; as they are named."""
    named = {arm(settings, role): share for role, share in shares.items()}
    learned = LearnedShares(day=day, salt="a salt of tests", shares={"product": {"*": named}})
    write_learned(settings.paths, learned)
    return named


def definitions(settings: Settings) -> dg.Definitions:
    return build_defs({"home": HomeResource.from_settings(settings)}, dg.in_process_executor)


def tick(settings: Settings, instance: dg.DagsterInstance):
    resources = {"home": HomeResource.from_settings(settings)}
    context = dg.build_sensor_context(instance, resources=resources, definitions=definitions(settings))
    return champion_changed.evaluate_tick(context)


def run(settings: Settings, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """The job that the sensor requests."""
    job = definitions(settings).resolve_job_def("serve")
    return job.execute_in_process(instance=instance, raise_on_error=False)


def shown(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    """Metadata of routing_table, with what its check says."""
    (event,) = result.asset_materializations_for_node("routing_table")
    (check,) = result.get_asset_check_evaluations()
    metadata = {name: value.value for name, value in event.metadata.items()}
    return {**metadata, "passed": check.passed, "description": check.description}


def test_learned_shares_are_in_force_after_the_tick_and_its_run_with_the_same_arms(settings, instance, server):
    before, loaded = in_force(settings), set(server.loaded)
    learned = learn(settings, champion=0.7, previous=0.2, base=0.1)
    (request,) = tick(settings, instance).run_requests
    assert tick(settings, instance).run_requests[0].run_key == request.run_key
    result = run(settings, instance)
    assert result.success
    now = in_force(settings)
    assert (now.version, now.arms, now.salt) == (before.version + 1, before.arms, before.salt)
    assert now.shares == {"product": {"*": pytest.approx(learned)}} and now.policy_version != before.policy_version
    assert server.loaded == loaded and not needs_probe(settings.paths)
    found = shown(result)
    assert (found["changed"], found["version"], found["learned_as_of"]) == (True, 2, "2026-10-13")
    assert found["passed"] and f"{arm(settings, 'champion')}` | `1.0` | `0.7`" in found["shares"]
    assert tick(settings, instance).skip_message == "Version 2 is served everywhere."


def test_what_was_learned_before_changes_nothing(settings, instance):
    learn(settings, champion=0.7, base=0.3)
    run(settings, instance)
    content = settings.paths.routing.read_bytes()
    learn(settings, day="2026-10-14", champion=0.7, base=0.3)
    assert tick(settings, instance).skip_message == "Version 2 is served everywhere."
    found = shown(run(settings, instance))
    assert not found["changed"] and found["passed"] and found["learned_as_of"] == "2026-10-14"
    assert settings.paths.routing.read_bytes() == content


def test_a_canary_that_is_served_later_keeps_the_learned_shares_of_the_others(settings, instance):
    learn(settings, champion=0.6, base=0.4)
    run(settings, instance)
    decide(settings.paths, write_adapter(settings.paths, "canary"), "CANARY", "2026-10-12")
    roll_out(settings)
    shares = in_force(settings).shares["product"]["*"]
    expected = {"champion": 0.54, "base": 0.36, "canary": 0.1}
    assert shares == pytest.approx({arm(settings, role): share for role, share in expected.items()})


def test_while_another_champion_is_to_be_served_no_share_changes(settings, instance):
    paths = settings.paths
    learn(settings, champion=0.7, base=0.3)
    make_champion(paths, write_adapter(paths, "new"), write_adapter(paths, "champion-of-before"), day="2026-10-14")
    content = paths.routing.read_bytes()
    result = update(settings)
    assert result.problem == share_updates.ROLLOUT_FIRST and paths.routing.read_bytes() == content


def update(settings: Settings) -> share_updates.ShareUpdate:
    serving = read_serving(settings.serving)
    replicas = make_replicas(serving, os.environ, make_driver)
    return share_updates.update_shares(settings.paths, serving, replicas, read_router(settings.router))


def test_while_a_server_lacks_a_routed_adapter_no_share_changes(settings, instance, server):
    learn(settings, champion=0.7, base=0.3)
    server.loaded.clear()
    assert "has lost product--dpo-" in str(update(settings).problem)
    assert in_force(settings).version == 1
    roll_out(settings)
    assert server.loaded and update(settings).changed


def test_a_process_that_is_killed_before_it_is_done_leaves_the_new_version_and_nothing_to_probe_again(
    settings, instance, monkeypatch
):
    learn(settings, champion=0.7, base=0.3)

    class KilledError(BaseException):
        pass

    def killed(*_):
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(share_updates, "mark_probed", killed)
        with pytest.raises(KilledError):
            update(settings)
    assert in_force(settings).version == 2 and needs_probe(settings.paths)
    roll_out(settings, ChosenChecks(probe_problems=dict.fromkeys(adapters(settings), "Asked again.")))
    assert in_force(settings).version == 2 and not needs_probe(settings.paths)


def adapters(settings: Settings) -> list[str]:
    return [arm.adapter for arm in in_force(settings).arms.values() if arm.adapter]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("no router", share_updates.NO_ROUTER),
        ("nothing learned", share_updates.NOT_LEARNED),
        ("fixed", share_updates.FIXED),
    ],
)
def test_without_learned_shares_the_check_says_whose_shares_are_in_force(settings, instance, change, sentence):
    if change == "no router":
        settings = settings.model_copy(update={"router": None})
    if change == "fixed":
        learn(settings, champion=0.7, base=0.3)
        served = yaml.safe_load(settings.serving.read_text(encoding="utf-8"))
        fixed = {**served, "segments": {"product": {"shares": {"*": {"champion": 1}}}}}
        settings.serving.write_text(yaml.safe_dump(fixed), encoding="utf-8")
    found = shown(run(settings, instance))
    assert (found["passed"], found["description"], found["changed"]) == (False, sentence, False)


def test_without_a_router_file_learned_shares_are_no_reason_for_a_run(settings, instance):
    learn(settings, champion=0.7, base=0.3)
    unset = settings.model_copy(update={"router": None})
    assert tick(unset, instance).skip_message == "Version 1 is served everywhere."
