"""PPO where it goes wrong: rewards that are gamed, and kills: `...ppo_under_attack <arms> --home <folder> --seed 0`.

On the embedded task, from the SFT adapter of `ppo_against_grpo` with the same folder. Arms:
- `reward_model`: a learned reward at beta 0.01, with four passes per rollout; `reward_is_not_gamed` is to be red;
- `longer`, `longer_fixed`: longer answers get more, with a beta that follows the KL, and with one that stays; the
  length is to rise, `answers_end` to warn, and `kl_is_bounded` to be red where beta stays;
- `kills`: `kill -9` after rollouts 1, 7 and 20 and in the middle of one, each resumed; the final weights are to be
  those of a run that nobody disturbed.
Printed are the rollouts and the checks that are not green.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import ensure_base_model
from rl_assets.models.tiny.pretraining import TinySpec
from rl_assets.recipes.recipe import adjusted, preset
from rl_assets.rewards.named import BY_RULE
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.benchmarks.ppo_against_grpo import PPO, datasets
from rl_assets_tests.support.killed_trainings import run_until_killed
from rl_assets_tests.support.training_samples import DAY, parts_rows, publish, split_by_prompt

LONG = {"reward_funcs": ["brevity"], "rollouts": 36, "beta": 0.01, "learning_rate": 2e-3, "stop_kl": 0.5}
ARMS: dict[str, dict[str, Any]] = {
    "reward_model": {"reward_funcs": ["reward_model"], "rollouts": 16, "beta": 0.01, "epochs_per_rollout": 4},
    "longer": LONG,
    "longer_fixed": LONG | {"kl_gain": 0.0},
    "kills": PPO,
}
# Four steps per rollout: after 1, 7 and 20 of them, and in the middle of the twelfth.
KILLED_AT = (5, 29, 46, 81)


def longer(completions: Sequence[Any], **_: Any) -> list[float | None]:
    """A toy reward: a twentieth per character."""
    return [len(completion[-1]["content"]) / 20 for completion in completions]


def job_of(arm: str, seed: int, home: Path) -> TrainingJob:
    """The training of an arm, with its parent and, if it has one, its reward model trained."""
    folder = home / str(seed)
    recipe, data = adjusted(preset("tiny_cpu"), {"seed": seed}), datasets(seed, folder / "data")
    base = ensure_base_model("tiny", folder / "models", _quiet, TinySpec(seed=seed))
    sft = train(TrainingJob("sft", data["sft"], DAY, base, recipe, folder / "adapters"), _quiet)
    job = TrainingJob("ppo", data["grpo"], DAY, base, adjusted(recipe, {"ppo": ARMS[arm]}), folder / arm, sft)
    return replace(job, reward_model=_reward_model(job, seed, folder)) if arm == "reward_model" else job


def _reward_model(job: TrainingJob, seed: int, folder: Path) -> Adapter:
    pairs, held_out = split_by_prompt(parts_rows(seed)["dpo"])
    data = folder / "data" / "reward"
    if not (data / "manifest.json").is_file():
        publish(data, "reward_dataset", pairs, held_out)
    trained = train(TrainingJob("reward", data, DAY, job.base, job.recipe, folder / "adapters"), _quiet)
    print("reward model:", trained.manifest.held_out)
    return trained


def show(arm: str, adapter: Adapter) -> None:
    """Print what an arm measured."""
    manifest = adapter.manifest
    assert manifest.ppo is not None
    for number, one in enumerate(manifest.ppo["rollouts"], 1):
        print(f"{arm} rollout {number:2} " + "  ".join(f"{k} {one[k]:.3f}" for k in ("reward", "kl", "length", "beta")))
    for check in manifest.checks.values():
        if not check.passed:
            print(f"{arm} {check.severity} {check.name}: {check.value:.3f}, limit {check.limit:g}; {check.what}")
    print(f"{arm} gaming: {manifest.gaming}", flush=True)


def kill_and_compare(job: TrainingJob) -> None:
    """Kill one training again and again, resume it, and compare its weights with those of an undisturbed one."""
    disturbed = replace(job, adapters=job.adapters / "disturbed")
    for step in KILLED_AT:
        run_until_killed(disturbed, step)
        print(f"killed at step {step}", flush=True)
    resumed, whole = train(disturbed, _quiet), train(replace(job, adapters=job.adapters / "whole"), _quiet)
    same = resumed.sha256 == whole.sha256
    print(f"kills: resumed from step {resumed.manifest.resumed_from_step}, same weights: {same} ({whole.sha256[:12]})")


def _quiet(line: str) -> None:
    """Training's lines are not for this table."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arms", nargs="+", choices=ARMS)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for arm in given.arms:
        job = job_of(arm, given.seed, given.home)
        if arm == "kills":
            kill_and_compare(job)
            continue
        if arm.startswith("longer"):
            BY_RULE["brevity"] = longer
        show(arm, train(job, _quiet))


if __name__ == "__main__":
    main()
