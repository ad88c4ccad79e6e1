"""How many prompts are new since the last training, through real datasets and an adapter as training leaves it."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.core.home import Home
from rl_assets.datasets import prompts
from rl_assets.datasets.retrain_trigger import measure_growth
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.recipes.recipe import PRESETS, Recipe
from rl_assets.settings import Settings
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets_tests.support.night_logs import write_log
from rl_assets_tests.support.stand_in import build, make_dataset

# The days behind them take several seconds of CPU.
pytestmark = pytest.mark.slow

DAY, NEXT_DAY = "2026-10-01", "2026-10-02"


def train(home: Path, day: str) -> None:
    defs = build(HomeResource.from_settings(Settings(home=home)), dg.in_process_executor)
    assert defs.resolve_job_def("retrain_job").execute_in_process(partition_key=day).success


def usable(home: Path, day: str) -> int:
    manifest = read_manifest(home / "datasets" / "sft_dataset" / day)
    assert manifest is not None
    return manifest.rows["train"]


def new(home: Path, recipe: Recipe = PRESETS["tiny_cpu"]) -> int:
    found = measure_growth(Home(home), recipe)
    assert found is not None
    return found.new_prompts["sft"]


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose first day was trained on; to be copied."""
    home = tmp_path_factory.mktemp("trained")
    write_log(home, DAY, range(20))
    assert make_dataset(home, DAY).success
    assert new(home) == usable(home, DAY) > 0
    train(home, DAY)
    assert new(home) == 0
    return home


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    """A home of one test whose first day was trained on."""
    return Path(shutil.copytree(trained_once, tmp_path / "home"))


@pytest.mark.slow  # Several seconds of CPU.
def test_rows_that_land_on_the_day_that_was_trained_on_are_new_too(trained):
    before = usable(trained, DAY)
    write_log(trained, DAY, range(20, 40))
    assert make_dataset(trained, DAY).success
    assert new(trained) == usable(trained, DAY) - before > 0
    train(trained, DAY)
    assert new(trained) == 0


def test_a_later_day_counts_only_what_the_trained_one_had_not(trained):
    write_log(trained, NEXT_DAY, range(10, 30))
    assert make_dataset(trained, NEXT_DAY).success
    assert new(trained) == usable(trained, NEXT_DAY) - usable(trained, DAY)


def test_only_the_newest_contents_of_a_dataset_keep_their_prompts(trained, monkeypatch):
    monkeypatch.setattr(prompts, "KEPT", 1)
    kept = trained / "datasets" / "sft_dataset" / ".prompts"
    write_log(trained, DAY, range(20, 40))
    assert make_dataset(trained, DAY).success
    manifest = read_manifest(trained / "datasets" / "sft_dataset" / DAY)
    assert manifest is not None
    assert [path.stem for path in kept.iterdir()] == [manifest.sha256]


def test_prompts_that_the_recipes_filters_drop_are_not_new(tmp_path):
    write_log(tmp_path, DAY, range(20))
    assert make_dataset(tmp_path, DAY).success
    assert new(tmp_path) == usable(tmp_path, DAY) > 0
    assert new(tmp_path, PRESETS["demo"]) == 0
    ours = PRESETS["tiny_cpu"].model_copy(update={"sources": ("interaction_log",)})
    assert new(tmp_path, ours) == usable(tmp_path, DAY)
    assert new(tmp_path, ours.model_copy(update={"sources": ("tensorzero",)})) == 0
    assert new(tmp_path, ours.model_copy(update={"tasks": ("write_haiku",)})) == 0
