"""PPO beside GRPO online at equal numbers of generated answers: `...ppo_against_grpo 0 1 2 --home <folder>`.

Arguments are seeds. Base, SFT, DPO, GRPO online and PPO are measured on the embedded task, both of the latter with the
reward `exact_answer` and as many answers of their own. Each arm of a seed runs in a process of its own, so that its
peak of memory is its own, and its result is kept in `<folder>/<seed>/<arm>.json`: seeds and arms can run apart
(`--arms`), and what is there is not run again. Printed is the share of greedy answers to held-out questions that equal
the reference, with the gain of the reward over the run, seconds of training and peak bytes; then paired differences
over all seeds, with 95 % intervals from a bootstrap over (seed, part).
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rl_assets.core.files import sha256_text, write_json
from rl_assets.metrics.statistics import interval
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import ensure_base_model
from rl_assets.models.tiny.pretraining import TinySpec
from rl_assets.recipes.recipe import Recipe, adjusted, preset
from rl_assets.training.job import Kind, TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.benchmarks.compare_methods import answers_right, part
from rl_assets_tests.support.training_samples import DAY, parts_groups, parts_rows, publish, split_by_prompt

ANSWERS = 24 * 32
REWARDS = ["exact_answer"]
GRPO = {
    "method": "online_grpo",
    "learning_rate": 1e-3,
    "lr_scheduler_type": "linear",
    "effective_batch_size": 32,
    "max_steps": ANSWERS // 32,
    "reward_funcs": REWARDS,
    "beta": 0.05,
}
PPO = {"rollouts": ANSWERS // 32, "rollout_size": 32, "reward_funcs": REWARDS}
# Arms in the order of their training: what continues an adapter comes after it.
ARMS: dict[str, tuple[Kind | None, dict[str, Any]]] = {
    "base": (None, {}),
    "sft": ("sft", {}),
    "dpo": ("dpo", {}),
    "grpo": ("grpo", {"grpo": GRPO}),
    "ppo": ("ppo", {"ppo": PPO}),
}
PAIRS = (("sft", "base"), ("dpo", "sft"), ("grpo", "sft"), ("ppo", "sft"), ("ppo", "grpo"), ("ppo", "dpo"))


def datasets(seed: int, folder: Path) -> dict[str, Path]:
    """The seed's datasets. No question of the test rows is in one of them; some others are held out for validation."""
    rows, groups = parts_rows(seed), split_by_prompt(parts_groups(seed))[0]
    held = {at for at, row in enumerate(groups) if int(sha256_text(json.dumps(row["prompt"]))[:8], 16) % 8 == 1}
    train_groups = [row for at, row in enumerate(groups) if at not in held]
    published = {
        "sft": (split_by_prompt(rows["sft"])[0], []),
        "dpo": (split_by_prompt(rows["dpo"])[0], []),
        "grpo": (train_groups, [row for at, row in enumerate(groups) if at in held]),
    }
    for kind, (train_rows, validation) in published.items():
        if not (folder / kind / "manifest.json").is_file():
            publish(folder / kind, f"{kind}_dataset", train_rows, validation=validation)
    return {kind: folder / kind for kind in published}


def test_rows(seed: int) -> list[dict[str, Any]]:
    """Held-out questions whose best logged answer is right."""
    return [row for row in split_by_prompt(parts_rows(seed)["sft"])[1] if row["metadata"]["reward"] >= 0.9]


def run_arm(seed: int, arm: str, folder: Path) -> None:
    """Train and measure one arm, and keep what came of it."""
    kind, values = ARMS[arm]
    data, recipe = datasets(seed, folder / "data"), adjusted(preset("tiny_cpu"), {"seed": seed})
    base = ensure_base_model("tiny", folder / "models", _quiet, TinySpec(seed=seed))
    adapter = None
    if kind is not None:
        parent = None if kind == "sft" else _trained("sft", data, base, recipe, folder)
        adapter = _trained(kind, data, base, adjusted(recipe, values), folder, parent)
    rows = test_rows(seed)
    found: dict[str, Any] = {
        "right": answers_right(base, adapter, rows),
        "parts": [f"{seed} {part(row)}" for row in rows],
    }
    if adapter is not None:
        manifest = adapter.manifest
        gained = manifest.checks.get("reward_rose") or manifest.checks.get("better_answers_gained")
        found |= {
            "seconds": manifest.wall_s,
            "peak_bytes": manifest.peak_memory_bytes,
            "steps": manifest.steps,
            "sha256": manifest.sha256,
            "reward_gain": gained.value if gained else None,
            "failed": [check.name for check in manifest.checks.values() if not check.passed],
            "gaming": manifest.gaming,
            "kl": manifest.ppo["rollouts"][-1]["kl"] if manifest.ppo else None,
        }
    write_json(folder / f"{arm}.json", found)


def _trained(
    kind: Kind, data: dict[str, Path], base: Any, recipe: Recipe, folder: Path, parent: Adapter | None = None
) -> Adapter:
    dataset = data["grpo" if kind == "ppo" else kind]
    return train(TrainingJob(kind, dataset, DAY, base, recipe, folder / "adapters", parent), _quiet)


def report(seeds: list[int], home: Path) -> None:
    """Print what is there."""
    found = {
        (seed, arm): json.loads((home / str(seed) / f"{arm}.json").read_text(encoding="utf-8"))
        for seed in seeds
        for arm in ARMS
        if (home / str(seed) / f"{arm}.json").is_file()
    }
    for (seed, arm), result in found.items():
        share = interval([float(one) for one in result["right"]], result["parts"], share=True)
        line = f"seed {seed} {arm:5} exact match {share:.3f} n={share.n}"
        if "seconds" in result:
            line += f"  {result['seconds']:6.1f} s  peak {result['peak_bytes'] / 1e6:,.0f} MB  {result['steps']} steps"
        if result.get("reward_gain") is not None:
            line += f"  reward gained {result['reward_gain']:+.3f}"
        print(line + (f"  not green: {', '.join(result['failed'])}" if result.get("failed") else ""))
    for ours, theirs in PAIRS:
        both = [seed for seed in seeds if (seed, ours) in found and (seed, theirs) in found]
        if not both:
            continue
        pairs = [(found[seed, ours], found[seed, theirs]) for seed in both]
        values = [
            float(a) - float(b) for one, other in pairs for a, b in zip(one["right"], other["right"], strict=True)
        ]
        clusters = [name for one, _ in pairs for name in one["parts"]]
        print(f"{ours} - {theirs}: {interval(values, clusters, against_zero=True):+.3f} over {len(both)} seeds")


def _quiet(line: str) -> None:
    """Training's lines are not for this table."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--here", action="store_true", help="run the arms in this process")
    given = parser.parse_args()
    for seed in given.seeds:
        for arm in given.arms:
            folder = given.home / str(seed)
            if (folder / f"{arm}.json").is_file():
                continue
            if given.here:
                run_arm(seed, arm, folder)
                continue
            own = [str(seed), "--home", str(given.home), "--arms", arm, "--here"]
            module = [sys.executable, "-m", "rl_assets_tests.benchmarks.ppo_against_grpo"]
            subprocess.run([*module, *own], check=True, stdout=subprocess.DEVNULL)
    if not given.here:
        report(given.seeds, given.home)


if __name__ == "__main__":
    main()
