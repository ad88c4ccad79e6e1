import math
from dataclasses import replace
from pathlib import Path

import pytest

from rl_assets.models.adapters import Adapter, AdapterReference
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import WrongBaseModelError
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.errors import WrongReferenceError
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets.training.trainers.dpo import require_parent_as_reference
from rl_assets_tests.support.training_samples import DAY


def test_the_loss_at_step_0_is_ln_2_against_the_parent(dpo_adapter: Adapter):
    checks = dpo_adapter.manifest.checks
    assert checks["step0_loss"].value == pytest.approx(math.log(2), abs=1e-3)
    assert checks["step0_margin"].value == pytest.approx(0, abs=1e-3)
    assert all(check.passed for check in checks.values() if check.severity == "error")


def test_preferences_move_the_margin(dpo_adapter: Adapter):
    preferences = dpo_adapter.manifest.preferences
    assert preferences["after"]["margin"] > preferences["before"]["margin"]
    assert preferences["after"]["loss"] < preferences["before"]["loss"]


def test_the_adapter_names_its_parent_and_publishes_no_reference(dpo_adapter: Adapter, sft_adapter: Adapter):
    parent = AdapterReference(inputs_hash=sft_adapter.inputs_hash, sha256=sft_adapter.sha256)
    assert dpo_adapter.manifest.parent == parent
    assert not any(path.is_dir() for path in dpo_adapter.folder.iterdir())
    assert dpo_adapter.sha256 != sft_adapter.sha256


def test_computing_the_reference_on_the_fly_gives_the_same_loss_curve(
    dpo_data: Path, base: BaseModel, sft_adapter: Adapter, dpo_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    slower = recipe.model_copy(update={"dpo": recipe.dpo.model_copy(update={"precompute_ref_log_probs": False})})
    adapter = train(TrainingJob("dpo", dpo_data, DAY, base, slower, tmp_path, sft_adapter), print)
    assert [point[1] for point in adapter.manifest.loss_curve] == pytest.approx(
        [point[1] for point in dpo_adapter.manifest.loss_curve], abs=1e-4
    )


def test_a_reference_other_than_the_parent_stops_before_training(sft_adapter: Adapter):
    with pytest.raises(WrongReferenceError, match=r"0\.71.* before any update, 0\.693147 was expected") as raised:
        require_parent_as_reference(0.71, sft_adapter)
    assert raised.value.check is not None
    assert (raised.value.check.passed, raised.value.check.value) == (False, 0.71)


def test_a_parent_of_another_base_is_refused(
    dpo_data: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    with pytest.raises(WrongBaseModelError):
        train(TrainingJob("dpo", dpo_data, DAY, replace(base, sha256="0" * 64), recipe, tmp_path, sft_adapter), print)
