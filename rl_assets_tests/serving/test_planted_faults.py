"""Real answers of the embedded server, as it is and with planted faults: only the right adapter is ever routed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.serving.checks import ServingChecks
from rl_assets.serving.config import Endpoint, ServingFile
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.gateway_probe import GatewayProbe
from rl_assets.serving.names import content_name
from rl_assets.serving.refused import read_refused
from rl_assets.serving.replicas import make_replicas
from rl_assets.serving.rollout import Outcome, Rollout, RolloutError
from rl_assets.serving.routing import read_routing
from rl_assets_tests.support.evaluation_folders import dataset
from rl_assets_tests.support.evaluation_samples import DAY
from rl_assets_tests.support.live_servers import (
    live_server,
    loads_instead,
    not_applied,
    other_base,
    other_template,
    scaled,
)
from rl_assets_tests.support.served_homes import champion_of, conversation

NO_GATEWAY = "http://127.0.0.1:9"


@pytest.fixture
def paths(tmp_path: Path, models: Path, base: BaseModel, parent: Adapter, candidate: Adapter) -> Home:
    """A home whose champion is the candidate, and the parent the one before it."""
    home = Home(tmp_path)
    shutil.copytree(models / "adapters", home.adapters())
    held_out(home, 30)
    write_json(home.champion(), champion_of(candidate, champion_of(parent)).model_dump(mode="json"))
    return home


def held_out(home: Home, conversations: int) -> None:
    """So many held-out conversations, in place of others."""
    folder = home.datasets("sft_dataset", DAY)
    shutil.rmtree(folder, ignore_errors=True)
    dataset(folder, test=[conversation(number) for number in range(conversations)])


def rollout(paths: Home, base: BaseModel, url: str) -> Outcome:
    serving = ServingFile(endpoints={"local": Endpoint(urls=[url])})
    checks = ServingChecks(paths, lambda: base, os.environ, GatewayProbe(NO_GATEWAY), print)
    return Rollout(paths, serving, make_replicas(serving, {}, make_driver), checks, print).run()


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e-4), ("bfloat16", 0.01)])
def test_the_right_adapter_is_accepted(paths: Home, base: BaseModel, candidate: Adapter, dtype: Any, limit: float):
    with live_server(base, paths.adapters(), dtype=dtype) as url:
        outcome = rollout(paths, base, url)
        name = content_name(candidate, None)
        found = outcome.figures[f"{name} at {url}"]
        assert found["template"] == {"prompts": 24, "different": 0, "ids_compared": 24}
        assert found["identity"]["answers"] == 24
        assert found["identity"]["distance_at_1"] < limit < found["identity"]["distance_at_0"]
        assert found["isolation"] == {"answers": 24, "changed": 0}
        routing = read_routing(paths)
        assert routing is not None and routing.shares["product"]["*"] == {f"assistant@{name}": 1.0}
        assert any("No gateway runs at" in note for note in outcome.notes)
        assert not rollout(paths, base, url).changed


FAULTS: dict[str, tuple[Callable[..., Any], dict[str, Any], str]] = {
    "not applied": (lambda _: not_applied, {}, "The adapter is not applied: the server answers as the base alone"),
    "applied twice": (lambda _: scaled(2.0), {}, "The adapter is applied twice"),
    "half alpha": (lambda _: scaled(0.5), {}, "The adapter is applied at half its scale"),
    "other weights": (loads_instead, {}, "The served answers are those of other weights"),
    "other template": (lambda _: other_template, {}, "The server renders another chat template than training did"),
    "rank above the limit": (lambda _: None, {"max_lora_rank": 2}, "It has rank 4, and the server accepts at most 2"),
    "base of another hash": (lambda _: other_base, {}, "and the server's base model .* has eeeeeeeeeeee"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refused_before_the_commit_with_a_sentence_that_names_it(
    paths: Home, base: BaseModel, parent: Adapter, fault: str
):
    make, options, sentence = FAULTS[fault]
    held_out(paths, 6)
    with live_server(base, paths.adapters(), make(parent), dtype="float32", **options) as url:
        with pytest.raises(RolloutError, match=sentence):
            rollout(paths, base, url)
        assert read_routing(paths) is None
        assert [entry.endpoint for entry in read_refused(paths).values()] == ["local"]
        with pytest.raises(RolloutError, match="not tried again"):
            rollout(paths, base, url)
