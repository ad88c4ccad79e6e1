"""Several processes train together, here by gloo on a CPU, and must give what one process gives."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.memory import DeviceMemoryError
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.errors import (
    NotEnoughRows,
    ProcessesFailed,
    TrainingDiverged,
    TrainingRefused,
    UntrainableRows,
)
from rl_assets.training.job import TrainingJob
from rl_assets.training.runner.arguments import split_batch
from rl_assets.training.runner.processes import _adapter_of, outcome_of
from rl_assets.training.train import train
from rl_assets_tests.support.training_samples import DAY, kto_row, publish


def losses(adapter: Adapter) -> list[float]:
    return [point[1] for point in adapter.manifest.loss_curve]


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one_with_twice_the_batch(
    sft_data: Path, dpo_data: Path, base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    # TRL takes the loss "sft" of a preference run as a mean over each process's tokens: it is left out.
    pairs = {"max_steps": 3, "loss_type": ("sigmoid",)}
    still = adjusted(recipe, {"lora": {"lora_dropout": 0.0}, "sft": {"max_steps": 4}, "dpo": pairs})
    lines: list[str] = []
    observed: list[dict[str, float]] = []
    for kind, data, parent in (("sft", sft_data, None), ("dpo", dpo_data, sft_adapter)):
        one, two = (
            train(
                TrainingJob(kind, data, DAY, base, still, tmp_path / str(count), parent),
                lines.append,
                count,
                observed.append,
            )
            for count in (1, 2)
        )
        assert losses(two) == pytest.approx(losses(one), abs=1e-4), kind
        assert two.trained and two.inputs_hash == one.inputs_hash
        assert two.manifest.device.startswith("2 x cpu")
        assert two.manifest.tokens == one.manifest.tokens
        assert all(check.passed for check in two.manifest.checks.values()), two.manifest.checks
    assert "sft: training in 2 processes" in lines
    assert [values["step"] for values in observed] == [*range(1, 5)] * 2 + [*range(1, 4)] * 2
    assert not any("observed" in line for line in lines)


def test_too_few_rows_are_told_as_by_one_process(sft_data: Path, base: BaseModel, recipe: Recipe, tmp_path: Path):
    demanding = adjusted(recipe, {"min_rows_sft": 10_000})
    with pytest.raises(NotEnoughRows, match="training needs 10000"):
        train(TrainingJob("sft", sft_data, DAY, base, demanding, tmp_path), print, 2)


def test_what_no_retry_helps_is_told_in_its_sentence_and_without_a_traceback(
    tmp_path: Path, base: BaseModel, recipe: Recipe
):
    with pytest.raises(TrainingRefused, match=r"^there is no dataset in"):
        train(TrainingJob("sft", tmp_path, DAY, base, recipe, tmp_path / "adapters"), print, 2)
    assert not (tmp_path / "adapters").exists()


def test_a_process_that_fails_otherwise_ends_the_training_with_its_last_lines(
    tmp_path: Path, sft_data: Path, base: BaseModel, recipe: Recipe
):
    torn = Path(shutil.copytree(base.path, tmp_path / "torn"))
    weights = torn / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ProcessesFailed, match=r"(?s)the last lines were:.*SafetensorError"):
        train(TrainingJob("sft", sft_data, DAY, replace(base, path=str(torn)), recipe, tmp_path / "a"), print, 2)


@pytest.mark.parametrize(
    "error", [TrainingDiverged("The loss is nan."), DeviceMemoryError("Memory ran out."), UntrainableRows("All good.")]
)
def test_an_error_of_a_worker_is_the_same_for_the_step(error: Exception):
    expected = TrainingRefused if isinstance(error, TrainingRefused) else type(error)
    with pytest.raises(expected, match=str(error)):
        _adapter_of(json.loads(json.dumps(outcome_of(error))))


STEP = """
import json, sys
from pathlib import Path
from rl_assets.training.job import job_from_json
from rl_assets.training.train import train

train(job_from_json(Path(sys.argv[1]).read_bytes()), lambda line: print(line, flush=True), 2)
"""


@pytest.mark.slow
def test_a_killed_step_leaves_no_process_behind(sft_data: Path, base: BaseModel, recipe: Recipe, tmp_path: Path):
    endless = adjusted(recipe, {"sft": {"max_steps": 100_000, "save_steps": 100_000}})
    (tmp_path / "job.json").write_bytes(TrainingJob("sft", sft_data, DAY, base, endless, tmp_path).to_json())
    with subprocess.Popen(
        [sys.executable, "-c", STEP, str(tmp_path / "job.json")], stdout=subprocess.PIPE, text=True
    ) as step:
        assert step.stdout is not None
        next(line for line in step.stdout if line.startswith("sft: ") and "rows" in line)
        children = psutil.Process(step.pid).children(recursive=True)
        step.kill()
        gone, alive = psutil.wait_procs(children, timeout=30)
    assert len(gone) >= 3 and not alive


def test_untrainable_rows_are_refused_with_their_check_as_by_one_process(
    base: BaseModel, sft_adapter: Adapter, recipe: Recipe, tmp_path: Path
):
    rows = [kto_row(f"Where is part {number}?", "bin 2", True) for number in range(30)]
    data = publish(tmp_path / "kto_dataset" / DAY, "kto_dataset", rows)
    with pytest.raises(TrainingRefused, match=r"All 30 usable rows .* are good"):
        train(TrainingJob("kto", data, DAY, base, recipe, tmp_path / "adapters", sft_adapter), print, 2)


@pytest.mark.parametrize(
    ("batch", "accumulation", "processes", "expected"), [(16, 1, 2, (8, 1)), (16, 4, 2, (4, 2)), (8, 2, 8, (1, 1))]
)
def test_the_effective_batch_is_that_of_all_processes(batch, accumulation, processes, expected):
    assert tuple(split_batch(batch, accumulation, processes).values()) == expected
    each, times = expected
    assert each * times * processes == batch


def test_an_indivisible_batch_is_refused():
    with pytest.raises(ValueError, match=r"effective_batch_size 4 .* cannot be divided over 3 processes"):
        split_batch(4, 1, 3)
