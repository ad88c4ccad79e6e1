"""A barely trained tiny model, small published datasets and a recipe of a few steps, shared by all training tests."""

from pathlib import Path

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.support.training_samples import DAY, SMALL, few_steps, publish_few


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="session")
def base(home: Path) -> BaseModel:
    return ensure_base_model("tiny", home / "models", print, SMALL)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return few_steps()


@pytest.fixture(scope="session")
def sft_data(home: Path) -> Path:
    return publish_few(home / "datasets", "sft")


@pytest.fixture(scope="session")
def dpo_data(home: Path) -> Path:
    return publish_few(home / "datasets", "dpo")


@pytest.fixture(scope="session")
def groups(home: Path) -> Path:
    return publish_few(home / "datasets", "grpo")


@pytest.fixture(scope="session")
def verdicts(home: Path) -> Path:
    return publish_few(home / "datasets", "kto")


@pytest.fixture(scope="session")
def reward_pairs(home: Path) -> Path:
    return publish_few(home / "datasets", "reward")


@pytest.fixture(scope="session")
def sft_adapter(sft_data: Path, base: BaseModel, recipe: Recipe, home: Path) -> Adapter:
    return train(TrainingJob("sft", sft_data, DAY, base, recipe, home / "adapters"), print)


@pytest.fixture(scope="session")
def dpo_adapter(dpo_data: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, home: Path) -> Adapter:
    return train(TrainingJob("dpo", dpo_data, DAY, base, recipe, home / "adapters", sft_adapter), print)
