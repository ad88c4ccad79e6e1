"""A real process is killed in mid-training; the next one must end with the weights that an undisturbed run gives."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.runner.request import Kind, Request, train_here
from rl_assets_tests.support.training_samples import DAY

KILLED = """
import os, signal, sys
from pathlib import Path
import rl_assets.training.runner.run
from rl_assets.training import progress
from rl_assets.training.runner.request import read_request, train_here

class Killer(progress.Progress):
    def logged(self, step_done, steps, values):
        if step_done == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

rl_assets.training.runner.run.Progress = Killer
train_here(read_request(Path(sys.argv[1])), print)
"""
FULL = """
import resource, sys
from pathlib import Path
from rl_assets.training.runner.request import read_request, train_here

# No file may grow beyond this, as on a disk that is full.
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
train_here(read_request(Path(sys.argv[1])), print)
"""


def run(script: str, request: Request, argument: int) -> subprocess.CompletedProcess:
    """Run a script with the request, written to a file, and another argument."""
    request.adapters.mkdir(parents=True, exist_ok=True)
    path = request.adapters / "request.json"
    request.write(path)
    return subprocess.run([sys.executable, "-c", script, str(path), str(argument)], check=False, capture_output=True)


def run_until_killed(request: Request, step: int) -> None:
    """Train in a process of its own, which kills itself after `step`."""
    process = run(KILLED, request, step)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()


def test_sft_killed_in_mid_training_ends_with_the_same_weights(
    sft_data: Path, base: BaseModel, recipe: Recipe, sft_adapter: Adapter, tmp_path: Path
):
    request = Request("sft", sft_data, DAY, base, recipe, tmp_path)
    run_until_killed(request, 8)
    lines: list[str] = []
    resumed = train_here(request, lines.append)
    assert "resuming from step 6" in lines
    assert resumed.manifest["resumed_from_step"] == 6
    assert resumed.sha256 == sft_adapter.sha256
    assert resumed.manifest["loss_curve"] == sft_adapter.manifest["loss_curve"]


@pytest.mark.slow
def test_dpo_killed_in_mid_training_ends_with_the_same_weights(
    dpo_data: Path, base: BaseModel, recipe: Recipe, sft_adapter: Adapter, dpo_adapter: Adapter, tmp_path: Path
):
    request = Request("dpo", dpo_data, DAY, base, recipe, tmp_path, sft_adapter)
    run_until_killed(request, 5)
    resumed = train_here(request, print)
    assert resumed.manifest["resumed_from_step"] == 4
    assert resumed.sha256 == dpo_adapter.sha256


ONLINE = {"way": "online", "group_size": 4, "max_steps": 6, "max_completion": 8, "entropy_coef": 0.01}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "dataset", "grpo", "killed", "resumed_from"),
    [
        ("kto", "verdicts", {}, 5, 4),
        ("grpo", "groups", {"way": "raft"}, 5, 4),
        ("grpo", "groups", {"way": "clipped"}, 3, 2),
        ("grpo", "groups", ONLINE, 5, 4),
        ("reward", "reward_pairs", {}, 25, 20),
    ],
)
def test_every_other_way_killed_in_mid_training_ends_with_the_same_weights(
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
    whole = Request(kind, data, DAY, base, adjusted(recipe, {"grpo": grpo}), tmp_path / "whole", parent)
    disturbed = replace(whole, adapters=tmp_path / "disturbed")
    run_until_killed(disturbed, killed)
    resumed = train_here(disturbed, print)
    assert resumed.manifest["resumed_from_step"] == resumed_from
    assert resumed.sha256 == train_here(whole, print).sha256


def test_a_full_disk_leaves_no_adapter_and_the_next_run_ends_with_the_same_weights(
    sft_data: Path, base: BaseModel, recipe: Recipe, sft_adapter: Adapter, tmp_path: Path
):
    request = Request("sft", sft_data, DAY, base, recipe, tmp_path)
    weights = (sft_adapter.folder / "adapter_model.safetensors").stat().st_size
    # The weights of a checkpoint fit, its optimizer's two moments a weight do not.
    process = run(FULL, request, int(1.5 * weights))
    assert process.returncode == 1 and b"DiskFullError" in process.stderr, process.stderr.decode()[-2000:]
    assert not list(tmp_path.glob("sft/*/manifest.json")) and not (tmp_path / "sft" / "days").exists()
    lines: list[str] = []
    whole = train_here(request, lines.append)
    assert "checkpoint-3 is left out: its writing was interrupted" in lines
    assert whole.manifest["resumed_from_step"] is None
    assert whole.sha256 == sft_adapter.sha256


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    sft_data: Path, base: BaseModel, recipe: Recipe, sft_adapter: Adapter, tmp_path: Path
):
    request = Request("sft", sft_data, DAY, base, recipe, tmp_path)
    run_until_killed(request, 8)
    (newest,) = tmp_path.glob("sft/*/checkpoints/checkpoint-6")
    content = bytearray((newest / "optimizer.pt").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (newest / "optimizer.pt").write_bytes(content)
    lines: list[str] = []
    resumed = train_here(request, lines.append)
    assert "checkpoint-6 is left out: optimizer.pt was damaged" in lines
    assert resumed.manifest["resumed_from_step"] == 3
    assert resumed.sha256 == sft_adapter.sha256
