"""A real process is killed in mid-training; the next one must end with the weights that an undisturbed run gives."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.job import Kind, TrainingJob
from rl_assets.training.runner.checkpoints import spent_before
from rl_assets.training.train import train
from rl_assets_tests.support.killed_trainings import run_until_full, run_until_killed
from rl_assets_tests.support.training_samples import DAY, ONLINE


def test_sft_killed_in_mid_training_ends_with_the_same_weights(
    sft_data: Path, base: BaseModel, recipe: Recipe, sft_adapter: Adapter, tmp_path: Path
):
    job = TrainingJob("sft", sft_data, DAY, base, recipe, tmp_path)
    run_until_killed(job, 8)
    (kept,) = tmp_path.glob("sft/*/checkpoints/checkpoint-6")
    shutil.copytree(kept, tmp_path / "checkpoint-6")
    lines: list[str] = []
    resumed = train(job, lines.append)
    assert "resuming from step 6" in lines
    assert resumed.manifest.resumed_from_step == 6
    assert resumed.sha256 == sft_adapter.sha256
    assert resumed.manifest.loss_curve == sft_adapter.manifest.loss_curve
    assert resumed.manifest.tokens == sft_adapter.manifest.tokens
    spent = spent_before(tmp_path / "checkpoint-6")
    assert resumed.manifest.wall_s > spent.wall_s > 0 and 0 < spent.tokens < resumed.manifest.tokens


@pytest.mark.slow
def test_dpo_killed_in_mid_training_ends_with_the_same_weights(
    dpo_data: Path, base: BaseModel, recipe: Recipe, sft_adapter: Adapter, dpo_adapter: Adapter, tmp_path: Path
):
    job = TrainingJob("dpo", dpo_data, DAY, base, recipe, tmp_path, sft_adapter)
    run_until_killed(job, 5)
    resumed = train(job, print)
    assert resumed.manifest.resumed_from_step == 4
    assert resumed.sha256 == dpo_adapter.sha256


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "dataset", "grpo", "killed", "resumed_from"),
    [
        ("kto", "verdicts", {}, 5, 4),
        ("grpo", "groups", {"method": "raft"}, 5, 4),
        ("grpo", "groups", {"method": "offline_grpo"}, 3, 2),
        ("grpo", "groups", ONLINE, 5, 4),
        ("reward", "reward_pairs", {}, 25, 20),
    ],
)
def test_every_other_method_killed_in_mid_training_ends_with_the_same_weights(
    kind: Kind,
    dataset: str,
    grpo: dict[str, Any],
    killed: int,
    resumed_from: int,
    base: BaseModel,
    recipe: Recipe,
    sft_adapter: Adapter,
    tmp_path: Path,
    request: pytest.FixtureRequest,
):
    data: Path = request.getfixturevalue(dataset)
    parent = None if kind == "reward" else sft_adapter
    whole = TrainingJob(kind, data, DAY, base, adjusted(recipe, {"grpo": grpo}), tmp_path / "whole", parent)
    disturbed = replace(whole, adapters=tmp_path / "disturbed")
    run_until_killed(disturbed, killed)
    resumed = train(disturbed, print)
    assert resumed.manifest.resumed_from_step == resumed_from
    undisturbed = train(whole, print)
    assert resumed.sha256 == undisturbed.sha256
    assert resumed.manifest.tokens == undisturbed.manifest.tokens


def test_a_full_disk_leaves_no_adapter_and_the_next_run_ends_with_the_same_weights(
    sft_data: Path, base: BaseModel, recipe: Recipe, sft_adapter: Adapter, tmp_path: Path
):
    job = TrainingJob("sft", sft_data, DAY, base, recipe, tmp_path)
    weights = (sft_adapter.folder / "adapter_model.safetensors").stat().st_size
    # The weights of a checkpoint fit, its optimizer's two moments per weight do not.
    run_until_full(job, int(1.5 * weights))
    assert not list(tmp_path.glob("sft/*/manifest.json")) and not (tmp_path / "sft" / "days").exists()
    lines: list[str] = []
    whole = train(job, lines.append)
    assert "checkpoint-3 is skipped: its writing was interrupted" in lines
    assert whole.manifest.resumed_from_step is None
    assert whole.sha256 == sft_adapter.sha256


def test_a_damaged_checkpoint_is_skipped_for_the_one_before(
    sft_data: Path, base: BaseModel, recipe: Recipe, sft_adapter: Adapter, tmp_path: Path
):
    job = TrainingJob("sft", sft_data, DAY, base, recipe, tmp_path)
    run_until_killed(job, 8)
    (newest,) = tmp_path.glob("sft/*/checkpoints/checkpoint-6")
    content = bytearray((newest / "optimizer.pt").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (newest / "optimizer.pt").write_bytes(content)
    lines: list[str] = []
    resumed = train(job, lines.append)
    assert "checkpoint-6 is skipped: optimizer.pt was damaged" in lines
    assert resumed.manifest.resumed_from_step == 3
    assert resumed.sha256 == sft_adapter.sha256
