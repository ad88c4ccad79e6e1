"""The script of an adapter, run by a Python that cannot see this project, must give the recorded losses and weights."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.export.script import training_script
from rl_assets.training.trainers.grpo import train_grpo
from rl_assets_tests.support.training_samples import DAY


def run(source: str, folder: Path) -> float:
    """Run the script outside the project; the largest difference from the recorded loss curve that it prints."""
    script = folder / "train.py"
    script.write_text(source, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-I", script.name, "out"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    printed = re.search(r"loss curve: (\S+) over (\d+) steps", ran.stdout)
    assert printed is not None, ran.stdout
    return float(printed[1])


def test_the_sft_script_reproduces_losses_and_weights(
    sft_adapter: Adapter, base: BaseModel, sft_data: Path, tmp_path: Path
):
    source = training_script(sft_adapter, base.path, sft_data, None)
    assert "rl_assets" not in source
    assert run(source, tmp_path) < 1e-6
    again, recorded = (load_file(f / "adapter_model.safetensors") for f in (tmp_path / "out", sft_adapter.folder))
    assert max((again[name] - recorded[name]).abs().max().item() for name in recorded) < 1e-6


@pytest.mark.slow
def test_the_dpo_script_reproduces_losses(
    dpo_adapter: Adapter, sft_adapter: Adapter, base: BaseModel, dpo_data: Path, tmp_path: Path
):
    assert run(training_script(dpo_adapter, base.path, dpo_data, sft_adapter.folder), tmp_path) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "values"),
    [
        ("clipped", {}),
        ("online", {"group_size": 4, "max_steps": 2, "max_completion": 8, "beta": 0.1, "entropy_coef": 0.01}),
    ],
)
def test_the_grpo_script_reproduces_losses(
    way: str,
    values: dict[str, Any],
    groups: Path,
    sft_adapter: Adapter,
    base: BaseModel,
    recipe: Recipe,
    tmp_path: Path,
):
    chosen = adjusted(recipe, {"grpo": {"way": way, **values}})
    adapter = train_grpo(groups, DAY, base, sft_adapter, chosen, tmp_path / "adapters", print)
    source = training_script(adapter, base.path, groups, sft_adapter.folder)
    assert "rl_assets" not in source.replace(str(groups), "").replace(base.path, "").replace(
        str(sft_adapter.folder), ""
    )
    assert run(source, tmp_path) < 1e-6


def test_a_script_is_refused_for_an_adapter_that_a_reward_model_taught(dpo_adapter: Adapter, dpo_data: Path):
    taught = replace(dpo_adapter, kind="grpo", manifest=dpo_adapter.manifest | {"rewards": ["reward_model"]})
    with pytest.raises(ValueError, match="rewarded by a model"):
        training_script(taught, "base", dpo_data, None)


def test_a_script_is_refused_for_other_data_and_without_the_parent(
    dpo_adapter: Adapter, sft_adapter: Adapter, base: BaseModel, sft_data: Path, dpo_data: Path
):
    with pytest.raises(ValueError, match="content hash differs"):
        training_script(dpo_adapter, base.path, sft_data, sft_adapter.folder)
    with pytest.raises(ValueError, match="name its folder"):
        training_script(dpo_adapter, base.path, dpo_data, None)
