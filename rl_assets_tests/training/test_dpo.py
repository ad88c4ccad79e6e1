import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rl_assets.models.adapters import Adapter, AdapterReference
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import WrongBaseModelError
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.errors import WrongReferenceError
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets.training.trainers import dpo
from rl_assets.training.trainers.dpo import require_parent_as_reference
from rl_assets.training.trainers.preference_sample import PreferenceSample, share_right
from rl_assets_tests.support.training_samples import DAY, parts_rows, publish

# What a policy that equals its reference measures.
STILL = PreferenceSample(pairs=1, loss=math.log(2), margin=0.0, accuracy=0.5, chosen_per_token=-1.0)


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


def test_the_reference_in_the_steps_gives_the_loss_curve_of_the_reference_before_them(
    dpo_data: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    # Pairs are seen twice: else the reference would be computed in the steps in any case.
    twice = adjusted(recipe, {"dpo": {"effective_batch_size": 32, "max_steps": 8}})
    in_steps = adjusted(twice, {"dpo": {"precompute_ref_log_probs": False}})
    before, during = (
        train(TrainingJob("dpo", dpo_data, DAY, base, one, tmp_path, sft_adapter), print) for one in (twice, in_steps)
    )
    assert before.manifest.dataset.used < 8 * 32
    assert [point[1] for point in during.manifest.loss_curve] == pytest.approx(
        [point[1] for point in before.manifest.loss_curve], abs=1e-4
    )


@pytest.mark.parametrize(("pairs", "steps", "expected"), [(40, 2, 0), (40, 5, 0), (40, 8, 40)])
def test_the_reference_of_all_pairs_is_computed_before_training_only_if_steps_see_pairs_twice(
    pairs: int,
    steps: int,
    expected: int,
    base: BaseModel,
    sft_adapter: Adapter,
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    from trl import DPOTrainer

    data = publish(tmp_path / "d", "dpo_dataset", parts_rows()["dpo"][::12][:pairs])
    job = TrainingJob(
        "dpo", data, DAY, base, adjusted(recipe, {"dpo": {"max_steps": steps}}), tmp_path / "a", sft_adapter
    )
    counts: list[int] = []
    original = DPOTrainer.compute_ref_log_probs

    def counted(self: Any, model: Any, inputs: Any) -> Any:
        counts.append(len(inputs["input_ids"]) // 2)
        return original(self, model, inputs)

    monkeypatch.setattr(DPOTrainer, "compute_ref_log_probs", counted)
    monkeypatch.setattr(dpo, "preference_sample", lambda trainer: STILL)
    train(job, print)
    assert sum(counts) == expected


def test_before_training_no_pair_is_won_or_lost(dpo_adapter: Adapter):
    assert dpo_adapter.manifest.preferences is not None
    assert dpo_adapter.manifest.preferences["before"]["accuracy"] == 0.5
    import torch

    assert share_right(torch.tensor([0.0, 1e-6, 2.0, -2.0, 3.0])) == pytest.approx((0.5 + 0.5 + 1 + 0 + 1) / 5)


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
