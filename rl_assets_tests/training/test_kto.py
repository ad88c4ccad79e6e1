from pathlib import Path

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.recipes.recipe import Recipe
from rl_assets.recipes.stages import KtoRecipe
from rl_assets.training.errors import UntrainableRows
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets.training.trainers.kto import label_weights
from rl_assets_tests.support.training_samples import DAY, kto_row, publish


def test_single_verdicts_train_from_the_parent_as_reference(
    verdicts: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    adapter = train(TrainingJob("kto", verdicts, DAY, base, recipe, tmp_path, sft_adapter), print)
    checks = adapter.manifest.checks
    assert checks["step0_loss"].value == pytest.approx(checks["step0_loss"].limit, abs=1e-3)
    assert all(check.passed for check in checks.values()), checks
    assert adapter.sha256 != sft_adapter.sha256
    assert not any(path.is_dir() for path in adapter.folder.iterdir())


def test_verdicts_of_one_kind_are_refused(base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path):
    rows = [kto_row(f"Where is part {number}?", "bin 2", True) for number in range(30)]
    data = publish(tmp_path / "kto_dataset" / DAY, "kto_dataset", rows)
    with pytest.raises(UntrainableRows, match=r"All 30 usable rows .* are good"):
        train(TrainingJob("kto", data, DAY, base, recipe, tmp_path, sft_adapter), print)
    assert not (tmp_path / "kto" / "days").exists()


def test_the_rarer_kind_weighs_more_unless_the_recipe_says_otherwise():
    labels = [True] * 30 + [False] * 10
    assert label_weights(labels, KtoRecipe()) == {True: 1.0, False: 3.0}
    assert label_weights(labels, KtoRecipe(desirable_weight=1.5, undesirable_weight=1)) == {True: 1.5, False: 1.0}
