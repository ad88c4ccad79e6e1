"""Rows that are token ids already must be what TRL makes of the conversations by itself."""

import math
from pathlib import Path
from typing import Any

import pytest

from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_tokenizer
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.data.rows import pair_rows, sft_rows
from rl_assets.training.data.tokenized import answer_columns, pair_columns
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.support.killed_trainings import run_until_killed
from rl_assets_tests.support.training_samples import DAY

CPU = {"use_cpu": True, "bf16": False, "report_to": [], "max_steps": 1}
GROUPED = {"dpo": {"train_sampling_strategy": "group_by_length"}}


@pytest.fixture(scope="module")
def tokenizer(base: BaseModel):
    return load_tokenizer(base)


def columns(dataset: Any, *names: str) -> list[list[list[int]]]:
    return [list(dataset[name]) for name in names]


def test_answers_are_the_tokens_and_labels_that_trl_makes(
    sft_data: Path, base: BaseModel, recipe: Recipe, tokenizer, tmp_path: Path
):
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    kept = sft_rows(sft_data, recipe, tokenizer)
    theirs = SFTTrainer(
        model=base.path,
        args=SFTConfig(output_dir=str(tmp_path), completion_only_loss=True, max_length=recipe.max_length, **CPU),
        train_dataset=Dataset.from_list(kept.rows),
        processing_class=tokenizer,
    )
    ours = answer_columns(kept, tokenizer)
    assert columns(ours, "input_ids", "labels") == columns(theirs.train_dataset, "input_ids", "labels")


def test_pairs_are_the_tokens_that_trl_makes_and_know_their_length(
    dpo_data: Path, base: BaseModel, recipe: Recipe, tokenizer, tmp_path: Path
):
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    kept = pair_rows(dpo_data, recipe, tokenizer, 1)
    theirs = DPOTrainer(
        model=base.path,
        args=DPOConfig(output_dir=str(tmp_path), max_length=recipe.max_length, **CPU),
        train_dataset=Dataset.from_list(kept.rows),
        processing_class=tokenizer,
    ).train_dataset
    ours, names = pair_columns(kept, tokenizer), ("prompt_ids", "chosen_ids", "rejected_ids")
    assert columns(ours, *names) == columns(theirs, *names)
    sides = [len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"])) for row in theirs]
    assert list(ours["length"]) == sides


def test_each_pair_has_its_own_reference_when_pairs_of_like_length_share_batches(
    dpo_data: Path, base: BaseModel, sft_adapter, recipe: Recipe, tmp_path: Path
):
    adapter = train(TrainingJob("dpo", dpo_data, DAY, base, adjusted(recipe, GROUPED), tmp_path, sft_adapter), print)
    before = adapter.manifest.preferences["before"]
    # Another pair's reference is nats away, which the mean of the losses would show.
    assert (before["loss"], before["margin"]) == pytest.approx((math.log(2), 0), abs=1e-5)


@pytest.mark.slow
def test_batches_of_like_length_come_in_the_same_order_after_a_kill(
    dpo_data: Path, base: BaseModel, sft_adapter, recipe: Recipe, tmp_path: Path
):
    job = TrainingJob("dpo", dpo_data, DAY, base, adjusted(recipe, GROUPED), tmp_path / "killed", sft_adapter)
    run_until_killed(job, 5)
    resumed = train(job, print)
    assert resumed.manifest.resumed_from_step == 4
    whole = train(TrainingJob("dpo", dpo_data, DAY, base, job.recipe, tmp_path / "whole", sft_adapter), print)
    assert resumed.sha256 == whole.sha256
