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
from rl_assets.training.runner.request import Request, train_here
from rl_assets_tests.support.training_samples import DAY, few_steps, parts_rows, publish
from rl_assets_tests.training.conftest import SMALL
from rl_assets_tests.training.test_resuming import run_until_killed


def main(kills: int, home: Path) -> int:
    draw = random.Random(0)
    base = ensure_base_model("tiny", home / "models", _quiet, SMALL)
    sft_data = publish(home / "sft_data", "sft_dataset", parts_rows()["sft"][::30])
    dpo_data = publish(home / "dpo_data", "dpo_dataset", parts_rows()["dpo"][::12])
    sft = Request("sft", sft_data, DAY, base, few_steps(), home / "whole")
    whole = {"sft": train_here(sft, _quiet)}
    dpo = replace(sft, kind="dpo", dataset=dpo_data, parent=whole["sft"])
    whole["dpo"] = train_here(dpo, _quiet)
    equal = 0
    for number, killed in enumerate([sft] * kills + [dpo] * kills):
        request = replace(killed, adapters=home / str(number))
        expected = whole[request.kind]
        step = draw.randint(1, expected.manifest["steps"] - 1)
        run_until_killed(request, step)
        resumed = train_here(request, _quiet)
        same = resumed.sha256 == expected.sha256
        equal += same
        start, verdict = resumed.manifest["resumed_from_step"], "equal" if same else "DIFFERENT"
        print(f"{request.kind} killed after step {step}, went on from {start}: {verdict}", flush=True)
    print(f"{equal} of {2 * kills} final weights are equal")
    return int(equal != 2 * kills)


def _quiet(line: str) -> None:
    """Training's lines are not for this list."""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(main(int(sys.argv[1]), Path(folder)))
