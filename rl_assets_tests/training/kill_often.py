"""Kills SFT and DPO at random steps: `python -m rl_assets_tests.training.kill_often 20`.

Each time a real process is killed with SIGKILL after a random step and a second one goes on. Prints for each kill its
step and whether the final weights are, by their hash, those of an undisturbed run; ends with 1 where any differ.
"""

import random
import sys
import tempfile
from pathlib import Path

from rl_assets.training.adapters import Adapter
from rl_assets.training.base_models import BaseModel, ensure_base_model
from rl_assets.training.dpo import train_dpo
from rl_assets.training.recipes import Recipe
from rl_assets.training.sft import train_sft
from rl_assets_tests.training.conftest import SMALL
from rl_assets_tests.training.samples import DAY, few_steps, parts_rows, publish
from rl_assets_tests.training.test_resuming import run_until_killed


def kill(
    kind: str, data: Path, base: BaseModel, parent: Adapter | None, recipe: Recipe, step: int, folder: Path
) -> Adapter:
    """The adapter, in `folder`, of a run that was killed after `step` and gone on with."""
    model = [base.name, base.path, base.sha256]
    run_until_killed(
        kind, [str(data), model, str(parent.folder) if parent else None, recipe.model_dump(), str(folder), step]
    )
    if parent is None:
        return train_sft(data, DAY, base, recipe, folder, _quiet)
    return train_dpo(data, DAY, base, parent, recipe, folder, _quiet)


def main(kills: int, home: Path) -> int:
    recipe, draw = few_steps(), random.Random(0)
    base = ensure_base_model("tiny", home / "models", _quiet, SMALL)
    sft_data = publish(home / "sft", "sft_dataset", parts_rows()["sft"][::30])
    dpo_data = publish(home / "dpo", "dpo_dataset", parts_rows()["dpo"][::12])
    sft = train_sft(sft_data, DAY, base, recipe, home, _quiet)
    dpo = train_dpo(dpo_data, DAY, base, sft, recipe, home, _quiet)
    equal = 0
    for number in range(kills):
        kind = draw.choice(["sft", "dpo"])
        data, parent, whole = (sft_data, None, sft) if kind == "sft" else (dpo_data, sft, dpo)
        step = draw.randint(1, whole.manifest["steps"] - 1)
        resumed = kill(kind, data, base, parent, recipe, step, home / str(number))
        same = resumed.sha256 == whole.sha256
        equal += same
        start = resumed.manifest["resumed_from_step"]
        print(f"{kind} killed after step {step}, went on from {start}: {'equal' if same else 'DIFFERENT'}", flush=True)
    print(f"{equal} of {kills} final weights are equal")
    return int(equal != kills)


def _quiet(line: str) -> None:
    """Training's lines are not for this list."""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(main(int(sys.argv[1]), Path(folder)))
