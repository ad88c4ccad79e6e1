import os
import subprocess
import sys

import pytest

from rl_assets.models.runtime import MAX_CPU_THREADS, cpu_threads

WHAT_THE_CARD_SAYS = (
    "from rl_assets.models.runtime import device_name, start\n"
    "start(offline=True, seed=0)\n"
    "import torch\n"
    "print(torch.get_num_threads(), device_name())"
)


@pytest.mark.training
def test_omp_num_threads_is_the_number_of_threads_that_a_training_uses_and_names():
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", WHAT_THE_CARD_SAYS]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "1 cpu, 1 thread"


@pytest.mark.parametrize("value", ["", "many", "0"])
def test_without_a_number_a_process_has_its_share_of_the_cores(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert 1 <= cpu_threads() <= MAX_CPU_THREADS
    assert cpu_threads(processes=10_000) == 1
