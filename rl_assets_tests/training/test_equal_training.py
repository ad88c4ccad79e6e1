"""Settings that must not change what is learned."""

from pathlib import Path

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.support.training_samples import DAY


def with_sft(recipe: Recipe, **changes) -> Recipe:
    lora = recipe.lora.model_copy(update={"lora_dropout": 0.0})
    return recipe.model_copy(update={"lora": lora, "sft": recipe.sft.model_copy(update={"max_steps": 4, **changes})})


def losses(adapter: Adapter) -> list[float]:
    return [point[1] for point in adapter.manifest.loss_curve]


def test_batch_1_accumulated_8_times_equals_batch_8(sft_data: Path, base: BaseModel, recipe: Recipe, tmp_path: Path):
    accumulated = with_sft(recipe, gradient_accumulation_steps=8)
    whole = train(TrainingJob("sft", sft_data, DAY, base, with_sft(recipe), tmp_path), print)
    parts = train(TrainingJob("sft", sft_data, DAY, base, accumulated, tmp_path), print)
    assert losses(parts) == pytest.approx(losses(whole), abs=1e-4)


def test_pairs_2_accumulated_4_times_equal_8(
    dpo_data: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    def trained(**changes) -> Adapter:
        stage = {"loss_type": ["sigmoid"], "max_steps": 4, **changes}
        chosen = adjusted(recipe, {"lora": {"lora_dropout": 0.0}, "dpo": stage})
        return train(TrainingJob("dpo", dpo_data, DAY, base, chosen, tmp_path, sft_adapter), print)

    assert losses(trained(gradient_accumulation_steps=4)) == pytest.approx(losses(trained()), abs=1e-4)


def test_rows_end_to_end_equal_padded_rows_so_none_sees_another(
    sft_data: Path, base: BaseModel, recipe: Recipe, tmp_path: Path
):
    padded = train(TrainingJob("sft", sft_data, DAY, base, with_sft(recipe), tmp_path), print)
    free = train(TrainingJob("sft", sft_data, DAY, base, with_sft(recipe, padding_free=True), tmp_path), print)
    assert free.inputs_hash != padded.inputs_hash
    assert losses(free) == pytest.approx(losses(padded), abs=1e-4)


def test_four_bit_training_stays_near_full_precision(sft_data: Path, base: BaseModel, recipe: Recipe, tmp_path: Path):
    full = train(TrainingJob("sft", sft_data, DAY, base, with_sft(recipe), tmp_path), print)
    quantised = with_sft(recipe).model_copy(update={"quantization": "nf4"})
    lines: list[str] = []
    small = train(TrainingJob("sft", sft_data, DAY, base, quantised, tmp_path), lines.append)
    assert losses(small) == pytest.approx(losses(full), rel=0.15)
    assert any("nf4 without a GPU" in line for line in lines)
