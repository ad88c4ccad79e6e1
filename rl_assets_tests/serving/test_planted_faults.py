"""Real answers of the embedded server, as it is and with planted faults: only the right adapter is ever routed."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from rl_assets.core.home import Home
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.serving.names import content_name
from rl_assets.serving.refused import read_refused
from rl_assets.serving.rollout import RolloutError
from rl_assets.serving.routing import read_routing
from rl_assets_tests.support.live_servers import FAULTS, live_server
from rl_assets_tests.support.served_rollouts import held_out, name_champion, roll_out


@pytest.fixture
def paths(tmp_path: Path, models: Path, base: BaseModel, parent: Adapter, candidate: Adapter) -> Home:
    """A home whose champion is the candidate, and the parent the one before it."""
    home = Home(tmp_path)
    shutil.copytree(models / "adapters", home.adapters())
    held_out(home, 30)
    name_champion(home, candidate, parent)
    return home


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e-4), ("bfloat16", 0.01)])
def test_the_right_adapter_is_accepted(paths: Home, base: BaseModel, candidate: Adapter, dtype: Any, limit: float):
    with live_server(base, paths.adapters(), dtype=dtype) as url:
        outcome = roll_out(paths, base, url)
        name = content_name(candidate, None)
        found = outcome.figures[f"{name} at {url}"]
        assert found["template"] == {"prompts": 24, "different": 0, "ids_compared": 24}
        assert found["identity"]["answers"] == 24
        assert found["identity"]["distance_at_1"] < limit < found["identity"]["distance_at_0"]
        assert found["isolation"] == {"answers": 24, "changed": 0}
        routing = read_routing(paths)
        assert routing is not None and routing.shares["product"]["*"] == {f"assistant@{name}": 1.0}
        assert any("No gateway runs at" in note for note in outcome.notes)
        assert not roll_out(paths, base, url).changed


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refused_before_the_commit_with_a_sentence_that_names_it(
    paths: Home, base: BaseModel, parent: Adapter, fault: str
):
    make, options, sentence = FAULTS[fault]
    held_out(paths, 6)
    with live_server(base, paths.adapters(), make(parent), dtype="float32", **options) as url:
        with pytest.raises(RolloutError, match=sentence):
            roll_out(paths, base, url)
        assert read_routing(paths) is None
        assert [entry.endpoint for entry in read_refused(paths).values()] == ["local"]
        with pytest.raises(RolloutError, match="not tried again"):
            roll_out(paths, base, url)
