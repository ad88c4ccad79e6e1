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
from rl_assets.training.runner.request import Request, train_here
from rl_assets.training.trainers.dpo import train_dpo
from rl_assets_tests.support.training_samples import DAY
from rl_assets_tests.training.test_resuming import run_until_killed

CPU = {"use_cpu": True, "bf16": False, "report_to": [], "max_steps": 1}
GROUPED = {"dpo": {"sampling": "group_by_length"}}


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

    taken = sft_rows(sft_data, recipe, tokenizer)
    theirs = SFTTrainer(
        model=base.path,
        args=SFTConfig(output_dir=str(tmp_path), completion_only_loss=True, max_length=recipe.max_length, **CPU),
        train_dataset=Dataset.from_list(taken.rows),
        processing_class=tokenizer,
    )
    ours = answer_columns(taken, tokenizer)
    assert columns(ours, "input_ids", "labels") == columns(theirs.train_dataset, "input_ids", "labels")


def test_pairs_are_the_tokens_that_trl_makes_and_know_their_length(
    dpo_data: Path, base: BaseModel, recipe: Recipe, tokenizer, tmp_path: Path
):
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    taken = pair_rows(dpo_data, recipe, tokenizer, 1)
    theirs = DPOTrainer(
        model=base.path,
        args=DPOConfig(output_dir=str(tmp_path), max_length=recipe.max_length, **CPU),
        train_dataset=Dataset.from_list(taken.rows),
        processing_class=tokenizer,
    ).train_dataset
    ours, names = pair_columns(taken, tokenizer), ("prompt_ids", "chosen_ids", "rejected_ids")
    assert columns(ours, *names) == columns(theirs, *names)
    sides = [len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"])) for row in theirs]
    assert list(ours["length"]) == sides


def test_each_pair_has_its_own_reference_when_pairs_of_like_length_share_batches(
    dpo_data: Path, base: BaseModel, sft_adapter, recipe: Recipe, tmp_path: Path
):
    adapter = train_dpo(dpo_data, DAY, base, sft_adapter, adjusted(recipe, GROUPED), tmp_path, print)
    before = adapter.manifest["preferences"]["before"]
    # Another pair's reference is nats away, which the mean of the losses would show.
    assert (before["loss"], before["margin"]) == pytest.approx((math.log(2), 0), abs=1e-5)


@pytest.mark.slow
def test_batches_of_like_length_come_in_the_same_order_after_a_kill(
    dpo_data: Path, base: BaseModel, sft_adapter, recipe: Recipe, tmp_path: Path
):
    request = Request("dpo", dpo_data, DAY, base, adjusted(recipe, GROUPED), tmp_path / "killed", sft_adapter)
    run_until_killed(request, 5)
    resumed = train_here(request, print)
    assert resumed.manifest["resumed_from_step"] == 4
    whole = train_dpo(dpo_data, DAY, base, sft_adapter, request.recipe, tmp_path / "whole", print)
    assert resumed.sha256 == whole.sha256
