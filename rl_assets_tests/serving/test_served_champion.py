"""The asset, materialized by its job against the embedded server."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
import yaml

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.serving.names import content_name
from rl_assets.serving.routing import read_routing
from rl_assets.settings import Settings
from rl_assets_tests.support.evaluation_folders import dataset
from rl_assets_tests.support.evaluation_samples import DAY
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


def materialize(paths: Home, base: BaseModel, url: str) -> dg.ExecuteInProcessResult:
    file = paths.folder / "serving.yaml"
    file.write_text(yaml.safe_dump({"endpoints": {"local": {"urls": [url]}}}), encoding="utf-8")
    settings = Settings(home=paths.folder, serving=file, base_model=base.path, gateway_url=AWAY)
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
        (event,) = result.get_asset_materialization_events()
        shown = {name: value.value for name, value in event.materialization.metadata.items()}
        name = content_name(candidate, None)
        assert (shown["version"], shown["changed"], shown["champion"]) == (1, True, name)
        assert shown["distance_nats_per_token"] < 1e-4
        assert shown["checks"][f"{name} at {url}"]["template"]["ids_compared"] == 6
        assert f"No gateway runs at {AWAY}" in shown["notes"]
        before = paths.routing.read_bytes()
        again = materialize(paths, base, url)
        (event,) = again.get_asset_materialization_events()
        assert event.materialization.metadata["changed"].value is False
        assert paths.routing.read_bytes() == before


def test_without_a_server_the_asset_fails_with_the_command_that_starts_one(paths: Home, base: BaseModel):
    result = materialize(paths, base, AWAY)
    assert not result.success and read_routing(paths) is None
    assert "No server is ready at http://127.0.0.1:9" in failure(result)
    assert "start it with `python -m rl_assets.serving.server`" in failure(result)
