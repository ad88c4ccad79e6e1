"""A real process is killed in mid-training; the next one must end with the weights that an undisturbed run gives."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rl_assets.training.adapters import Adapter
from rl_assets.training.base_models import BaseModel
from rl_assets.training.dpo import train_dpo
from rl_assets.training.recipes import Recipe
from rl_assets.training.sft import train_sft
from rl_assets_tests.training.samples import DAY

KILLED = """
import json, os, signal, sys
from pathlib import Path
from rl_assets.training import progress, {kind}
from rl_assets.training.adapters import read_adapter
from rl_assets.training.base_models import BaseModel
from rl_assets.training.recipes import Recipe

data, base, parent, recipe, adapters, step = json.loads(sys.argv[1])

class Killer(progress.Progress):
    def logged(self, step_done, steps, values):
        if step_done == step:
            os.kill(os.getpid(), signal.SIGKILL)

import rl_assets.training.run
rl_assets.training.run.Progress = Killer
parents = [read_adapter(Path(parent))] if parent else []
{kind}.train_{kind}(
    Path(data), "2026-10-14", BaseModel(*base), *parents, Recipe.model_validate(recipe), Path(adapters), print
)
"""


def run_until_killed(kind: str, arguments: list) -> None:
    script = KILLED.format(kind=kind)
    process = subprocess.run([sys.executable, "-c", script, json.dumps(arguments)], check=False, capture_output=True)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()


def test_sft_killed_in_mid_training_ends_with_the_same_weights(
    sft_data: Path, base: BaseModel, recipe: Recipe, sft_adapter: Adapter, tmp_path: Path
):
    arguments = [str(sft_data), [base.name, base.path, base.sha256], None, recipe.model_dump(), str(tmp_path), 8]
    run_until_killed("sft", arguments)
    lines: list[str] = []
    resumed = train_sft(sft_data, DAY, base, recipe, tmp_path, lines.append)
    assert "resuming from step 6" in lines
    assert resumed.manifest["resumed_from_step"] == 6
    assert resumed.sha256 == sft_adapter.sha256
    assert resumed.manifest["loss_curve"] == sft_adapter.manifest["loss_curve"]


@pytest.mark.slow
def test_dpo_killed_in_mid_training_ends_with_the_same_weights(
    dpo_data: Path, base: BaseModel, recipe: Recipe, sft_adapter: Adapter, dpo_adapter: Adapter, tmp_path: Path
):
    parent = str(sft_adapter.folder)
    arguments = [str(dpo_data), [base.name, base.path, base.sha256], parent, recipe.model_dump(), str(tmp_path), 5]
    run_until_killed("dpo", arguments)
    resumed = train_dpo(dpo_data, DAY, base, sft_adapter, recipe, tmp_path, print)
    assert resumed.manifest["resumed_from_step"] == 4
    assert resumed.sha256 == dpo_adapter.sha256
