"""Steps on a real local Ray cluster with a declared GPU: where they run, what they see, and what a killed one costs."""

import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import dagster as dg
import psutil
import pytest
import yaml

from rl_assets.models.adapters import Adapter, newest_adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.recipes.recipe import adjusted
from rl_assets.training.job import TrainingJob
from rl_assets.training.runner.checkpoints import COMMIT_MARKER
from rl_assets.training.train import train
from rl_assets_tests.support.training_samples import DAY, SMALL, few_steps

pytestmark = pytest.mark.ray
RECIPE = adjusted(few_steps(), {"sft": {"max_steps": 150, "save_steps": 10}})


def _processes_of(step: str) -> Iterator[psutil.Process]:
    """Processes that execute the step, which Dagster names in their environment."""
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            started = process.cmdline()
            if "execute_step" in started and process.environ().get("DAGSTER_RUN_STEP_KEY") == step:
                yield process


def _kill(process: psutil.Process) -> int:
    process.kill()
    return process.pid


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A home with a small base model, a Dagster instance, and the secret of the cluster."""
    home = tmp_path_factory.mktemp("ray")
    base = ensure_base_model("tiny", home / "models", print, SMALL)
    (home / "recipe.yaml").write_text(yaml.safe_dump(RECIPE.model_dump(mode="json")), encoding="utf-8")
    (home / "token").write_text(secrets.token_hex(32), encoding="utf-8")
    (home / "dagster").mkdir()
    (home / "dagster" / "dagster.yaml").touch()
    return {
        **os.environ,
        # Ray starts `dagster` by its name.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(home / "token"),
        "DAGSTER_HOME": str(home / "dagster"),
        "RL_ASSETS_HOME": str(home),
        "RL_ASSETS_BASE_MODEL": base.path,
        "RL_ASSETS_RECIPE": str(home / "recipe.yaml"),
        "RL_ASSETS_EXECUTOR": "ray",
    }


@pytest.fixture(scope="module")
def cluster(environment: dict[str, str]) -> Iterator[str]:
    """The address of a running cluster."""
    with subprocess.Popen(
        [sys.executable, "-m", "rl_assets_tests.support.ray_cluster"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as head:
        assert head.stdout is not None
        address = next((line.strip() for line in head.stdout if line.startswith("http://")), None)
        assert address, "the cluster did not start"
        yield address


class StepKiller(threading.Thread):
    """Kills the process of the step `sft_adapter` once, as soon as it has committed a checkpoint."""

    def __init__(self, checkpoints: Path) -> None:
        super().__init__(daemon=True)
        self.checkpoints, self.killed, self.over = checkpoints, 0, False

    def run(self) -> None:
        while not self.over and not self.killed:
            if list(self.checkpoints.glob(f"*/checkpoints/checkpoint-*/{COMMIT_MARKER}")):
                self.killed = next(map(_kill, _processes_of("sft_adapter")), 0)
            time.sleep(0.02)


def test_a_step_killed_in_mid_training_goes_on_elsewhere_and_only_it_sees_the_gpu(
    environment: dict[str, str], cluster: str, tmp_path: Path
):
    home = Path(environment["RL_ASSETS_HOME"])
    killer = StepKiller(home / "adapters" / "sft")
    killer.start()
    command = ["dg", "launch", "-m", "rl_assets_tests.support.executor_location", "--assets", "*", "--partition", DAY]
    ran = subprocess.run(
        command,
        env={**environment, "RL_ASSETS_RAY_ADDRESS": cluster},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    killer.over = True
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-4000:]

    log = messages(environment["DAGSTER_HOME"])
    places = dict(re.findall(r"(dataset|sft): process \d+ on \S+, which may use (.*)", log))
    assert places == {"dataset": "no GPU", "sft": "GPUs 0"}
    assert 'Execution of step "sft_adapter" failed and has requested a retry' in log
    first, second = re.findall(r"sft: process (\d+) on", log)
    assert int(first) == killer.killed != int(second)

    adapter = newest_adapter(home / "adapters", "sft", DAY)
    assert adapter is not None and adapter.manifest.resumed_from_step >= 10
    assert adapter.sha256 == undisturbed(home, environment["RL_ASSETS_BASE_MODEL"], tmp_path).sha256


def messages(dagster_home: str) -> str:
    """Everything that the newest run logged, its steps' own lines included."""
    with dg.DagsterInstance.from_config(dagster_home) as instance:
        (run,) = instance.get_runs(limit=1)
        return "\n".join(entry.user_message for entry in instance.all_logs(run.run_id))


def undisturbed(home: Path, base: str, folder: Path) -> Adapter:
    """The same adapter, trained without a kill."""
    model: BaseModel = ensure_base_model(base, home / "models", print)
    return train(TrainingJob("sft", home / "datasets" / "sft_dataset" / DAY, DAY, model, RECIPE, folder), print)
