"""Kills SFT and DPO at random steps: `python -m rl_assets_tests.benchmarks.kill_often 20`.

So many times each, a real process is killed with SIGKILL after a random step and a second one goes on. Prints for each
kill its step and whether the final weights are, by their hash, those of an undisturbed run; ends with 1 where any
differ.
"""

import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rl_assets.models.base_models import ensure_base_model
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.support.killed_trainings import run_until_killed
from rl_assets_tests.support.training_samples import DAY, SMALL, few_steps, parts_rows, publish


def main(kills: int, home: Path) -> int:
    draw = random.Random(0)
    base = ensure_base_model("tiny", home / "models", _quiet, SMALL)
    sft_data = publish(home / "sft_data", "sft_dataset", parts_rows()["sft"][::30])
    dpo_data = publish(home / "dpo_data", "dpo_dataset", parts_rows()["dpo"][::12])
    sft = TrainingJob("sft", sft_data, DAY, base, few_steps(), home / "whole")
    whole = {"sft": train(sft, _quiet)}
    dpo = replace(sft, kind="dpo", dataset=dpo_data, parent=whole["sft"])
    whole["dpo"] = train(dpo, _quiet)
    equal = 0
    for number, killed in enumerate([sft] * kills + [dpo] * kills):
        job = replace(killed, adapters=home / str(number))
        expected = whole[job.kind]
        step = draw.randint(1, expected.manifest.steps - 1)
        run_until_killed(job, step)
        resumed = train(job, _quiet)
        same = resumed.sha256 == expected.sha256
        equal += same
        start, verdict = resumed.manifest.resumed_from_step, "equal" if same else "DIFFERENT"
        print(f"{job.kind} killed after step {step}, went on from {start}: {verdict}", flush=True)
    print(f"{equal} of {2 * kills} final weights are equal")
    return int(equal != 2 * kills)


def _quiet(line: str) -> None:
    """Training's lines are not for this list."""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(main(int(sys.argv[1]), Path(folder)))
