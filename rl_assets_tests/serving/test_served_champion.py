"""The asset, materialized by its job against the embedded server."""

import shutil
from contextlib import closing
from pathlib import Path

import dagster as dg
import httpx2
import pytest
import yaml

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.promotion.champion import read_champion
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.serving.names import content_name
from rl_assets.serving.routing import read_routing, write_routing
from rl_assets.settings import Settings
from rl_assets_tests.support.evaluation_folders import dataset
from rl_assets_tests.support.evaluation_samples import DAY
from rl_assets_tests.support.gateways import BASE_ARM, QUESTION, arm, landed_lines, routing
from rl_assets_tests.support.killed_gateway import Gateways
from rl_assets_tests.support.live_servers import live_server
from rl_assets_tests.support.served_homes import champion_of, conversation

AWAY = "http://127.0.0.1:9"


@pytest.fixture
def paths(tmp_path: Path, models: Path, candidate: Adapter) -> Home:
    """A home whose champion is the candidate."""
    home = Home(tmp_path / "home")
    shutil.copytree(models / "adapters", home.adapters())
    dataset(home.datasets("sft_dataset", DAY), test=[conversation(number) for number in range(6)])
    write_json(home.champion(), champion_of(candidate).model_dump(mode="json"))
    return home


def materialize(paths: Home, base: BaseModel, url: str, gateway: str = AWAY) -> dg.ExecuteInProcessResult:
    file = paths.folder / "serving.yaml"
    file.write_text(yaml.safe_dump({"endpoints": {"local": {"urls": [url]}}}), encoding="utf-8")
    settings = Settings(home=paths.folder, serving=file, base_model=base.path, gateway_url=gateway)
    defs = build_defs({"home": HomeResource.from_settings(settings)}, dg.in_process_executor)
    return defs.resolve_job_def("serve").execute_in_process(raise_on_error=False)


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_events if event.is_step_failure]
    return str(event.step_failure_data.error.message) + str(event.step_failure_data.user_failure_data)


@pytest.mark.slow
def test_the_champion_is_served_and_the_materialization_shows_what_was_measured(
    paths: Home, base: BaseModel, candidate: Adapter
):
    with live_server(base, paths.adapters(), dtype="float32") as url:
        result = materialize(paths, base, url)
        assert result.success
        (event,) = result.asset_materializations_for_node("served_champion")
        shown = {name: value.value for name, value in event.metadata.items()}
        name = content_name(candidate, None)
        assert (shown["version"], shown["changed"], shown["champion"]) == (1, True, name)
        assert shown["distance_nats_per_token"] < 1e-4
        assert shown["checks"][f"{name} at {url}"]["template"]["ids_compared"] == 6
        assert f"No gateway runs at {AWAY}" in shown["notes"]
        before = paths.routing.read_bytes()
        again = materialize(paths, base, url)
        (event,) = again.asset_materializations_for_node("served_champion")
        assert event.metadata["changed"].value is False
        assert paths.routing.read_bytes() == before


def checks_of(result: dg.ExecuteInProcessResult) -> dict:
    (event,) = result.asset_materializations_for_node("served_champion")
    return event.metadata["checks"].value


@pytest.mark.slow
@pytest.mark.server
def test_a_new_champion_is_asked_through_the_gateway_and_those_calls_are_not_logged(
    paths: Home, base: BaseModel, candidate: Adapter
):
    paths.landing.mkdir()
    gateways, name = Gateways(paths), content_name(candidate, None)
    with live_server(base, paths.adapters(), dtype="float32") as url, closing(gateways):
        # It runs before anything is routed, and answers by the version that the rollout commits.
        gateways.start()
        result = materialize(paths, base, url, gateways.url)
        answer = httpx2.post(f"{gateways.url}/v1/chat/completions", json={"messages": QUESTION}, timeout=60)
        gateways.end()
    assert checks_of(result)[f"assistant@{name} through the gateway"] == {"gateway": {"requests": 20, "failed": 0}}
    assert answer.headers["x-adapter"] == name
    assert [line["interaction_id"] for line in landed_lines(paths)] == [answer.headers["x-interaction-id"]]


@pytest.mark.slow
@pytest.mark.server
def test_a_champion_that_the_gateway_answers_by_another_arm_is_rolled_back(
    paths: Home, base: BaseModel, candidate: Adapter, tmp_path: Path
):
    name, elsewhere = content_name(candidate, None), Home(tmp_path / "elsewhere")
    elsewhere.landing.mkdir(parents=True)
    gateways = Gateways(elsewhere)
    with live_server(base, paths.adapters(), dtype="float32") as url, closing(gateways):
        # This gateway cannot reach the server by the arm's address, so the base answers for it.
        arms = {f"assistant@{name}": arm(AWAY, adapter=name, fallback=[BASE_ARM]), BASE_ARM: arm(url, "base", None)}
        write_routing(elsewhere, routing(arms, {BASE_ARM: 1.0}))
        gateways.start()
        result = materialize(paths, base, url, gateways.url)
        gateways.end()
        loaded = {model["id"] for model in httpx2.get(f"{url}/v1/models").json()["data"]}
    assert not result.success and "20 of 20 requests" in failure(result)
    assert f"the header x-adapter says nothing, expected {name}" in failure(result)
    now = read_routing(paths)
    assert now is not None and (now.version, [*now.arms]) == (2, [BASE_ARM]) and name not in loaded
    assert read_champion(paths).hash == candidate.sha256


def test_without_a_server_the_asset_fails_with_the_command_that_starts_one(paths: Home, base: BaseModel):
    result = materialize(paths, base, AWAY)
    assert not result.success and read_routing(paths) is None
    assert "No server is ready at http://127.0.0.1:9" in failure(result)
    assert "start it with `python -m rl_assets.serving.server`" in failure(result)
