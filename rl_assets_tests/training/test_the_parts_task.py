"""The embedded task end to end: on held-out prompts the base knows nothing of the form, SFT half, DPO all of it."""

from pathlib import Path
from typing import Any

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.switching import SwitchedModels
from rl_assets.recipes.recipe import preset
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.support.training_samples import DAY, parts_rows, publish, split_by_prompt

pytestmark = pytest.mark.slow


def exact_match(base: BaseModel, adapter: Adapter | None, rows: list[dict[str, Any]]) -> float:
    """Share of rows whose greedy answer equals the reference."""
    loaded = SwitchedModels(base, None, print)
    model, tokenizer = loaded.as_served(adapter), loaded.tokenizer
    inputs = tokenizer.apply_chat_template(
        [row["messages"][:-1] for row in rows],
        add_generation_prompt=True,
        padding=True,
        return_tensors="pt",
        return_dict=True,
    )
    written = model.generate(**inputs, max_new_tokens=40, do_sample=False)[:, inputs["input_ids"].shape[1] :]
    answers = tokenizer.batch_decode(written, skip_special_tokens=True)
    right = [answer == row["messages"][-1]["content"] for answer, row in zip(answers, rows, strict=True)]
    return sum(right) / len(right)


def test_held_out_answers_get_better_from_base_to_sft_to_dpo(tmp_path: Path):
    rows, recipe = parts_rows(), preset("demo")
    in_training, held_out = split_by_prompt(rows["sft"])
    right = [row for row in held_out if row["metadata"]["reward"] >= 0.9]
    assert len(right) >= 60
    sft_data = publish(tmp_path / "sft", "sft_dataset", in_training)
    dpo_data = publish(tmp_path / "dpo", "dpo_dataset", split_by_prompt(rows["dpo"])[0])
    base = ensure_base_model("tiny", tmp_path / "models", print)
    sft = train(TrainingJob("sft", sft_data, DAY, base, recipe, tmp_path / "adapters"), print)
    dpo = train(TrainingJob("dpo", dpo_data, DAY, base, recipe, tmp_path / "adapters", sft), print)
    scores = [exact_match(base, adapter, right) for adapter in (None, sft, dpo)]
    assert scores[0] == 0
    assert 0.2 < scores[1] < 0.75
    assert scores[2] > 0.85
