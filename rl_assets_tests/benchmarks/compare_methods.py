"""Every method of training on the embedded task: `python -m rl_assets_tests.benchmarks.compare_methods 0 1 2`.

Arguments are seeds; minutes each. Prints the share of greedy answers that equal the reference with a 95 % interval from
a bootstrap over parts, since answers about one part stand or fall together, and the seconds that training took. With
`--home <folder>` what was trained is kept there, so that a run that was stopped goes on (seconds are then those since
the last checkpoint).
"""

import argparse
import random
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.switching import SwitchedModels
from rl_assets.models.tiny.parts_manual import NAMES
from rl_assets.models.tiny.pretraining import TinySpec
from rl_assets.recipes.recipe import adjusted, preset
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.support.training_samples import (
    DAY,
    parts_groups,
    parts_rows,
    parts_verdicts,
    publish,
    split_by_prompt,
)

METHODS: dict[str, dict[str, Any]] = {
    "RAFT": {"method": "raft"},
    "AWR": {"method": "awr"},
    "GRPO offline": {"method": "offline_grpo", "learning_rate": 1e-3},
    "GRPO online": {
        "method": "online_grpo",
        "learning_rate": 1e-3,
        "lr_scheduler_type": "constant_with_warmup",
        "effective_batch_size": 128,
        "max_steps": 60,
        "beta": 0,
        "entropy_coef": 0.03,
    },
}


def answers_right(base: BaseModel, adapter: Adapter | None, rows: list[dict[str, Any]]) -> list[bool]:
    """For each row whether the greedy answer equals the reference."""
    loaded = SwitchedModels(base, None, print)
    model, tokenizer = loaded.as_served(adapter), loaded.tokenizer
    prompts = [row["messages"][:-1] for row in rows]
    options = {"add_generation_prompt": True, "padding": True, "return_tensors": "pt", "return_dict": True}
    inputs = tokenizer.apply_chat_template(prompts, **options)
    written = model.generate(**inputs, max_new_tokens=40, do_sample=False)[:, inputs["input_ids"].shape[1] :]
    answers = tokenizer.batch_decode(written, skip_special_tokens=True)
    return [answer == row["messages"][-1]["content"] for answer, row in zip(answers, rows, strict=True)]


def interval(right: list[bool], clusters: list[str], draws: int = 2000) -> tuple[float, float]:
    """95 % percentile interval of the share, bootstrapped over clusters."""
    groups = defaultdict(list)
    for value, cluster in zip(right, clusters, strict=True):
        groups[cluster].append(value)
    draw, members = random.Random(0), list(groups.values())
    means = []
    for _ in range(draws):
        chosen = [value for group in draw.choices(members, k=len(members)) for value in group]
        means.append(sum(chosen) / len(chosen))
    means.sort()
    return means[int(0.025 * draws)], means[int(0.975 * draws)]


def report(name: str, base: BaseModel, adapter: Adapter | None, rows: list[dict[str, Any]]) -> None:
    right = answers_right(base, adapter, rows)
    low, high = interval(right, [part(row) for row in rows])
    seconds = adapter.manifest.wall_s if adapter else 0.0
    print(
        f"{name:20} {sum(right) / len(right):.3f} [{low:.3f}, {high:.3f}] n={len(right)} {seconds:6.1f} s", flush=True
    )


def part(row: dict[str, Any]) -> str:
    """The part that the question is about."""
    return next(name for name in NAMES if name in row["messages"][-2]["content"])


def compare(seed: int, folder: Path) -> None:
    rows, groups, verdicts = parts_rows(seed), parts_groups(seed), parts_verdicts(seed)
    in_training, held_out = split_by_prompt(rows["sft"])
    right = [row for row in held_out if row["metadata"]["reward"] >= 0.9]
    shutil.rmtree(folder / "data", ignore_errors=True)
    data = {
        "sft": publish(folder / "data" / "sft", "sft_dataset", in_training),
        "dpo": publish(folder / "data" / "dpo", "dpo_dataset", split_by_prompt(rows["dpo"])[0]),
        "grpo": publish(folder / "data" / "grpo", "grpo_dataset", split_by_prompt(groups)[0]),
        "kto": publish(folder / "data" / "kto", "kto_dataset", split_by_prompt(verdicts)[0]),
    }
    recipe = adjusted(preset("tiny_cpu"), {"seed": seed})
    base = ensure_base_model("tiny", folder / "models", _quiet, TinySpec(seed=seed))
    print(f"seed {seed}: {len({part(row) for row in right})} parts", flush=True)
    report("base", base, None, right)
    sft = train(TrainingJob("sft", data["sft"], DAY, base, recipe, folder), _quiet)
    report("SFT", base, sft, right)
    report("DPO", base, train(TrainingJob("dpo", data["dpo"], DAY, base, recipe, folder, sft), _quiet), right)
    report("KTO", base, train(TrainingJob("kto", data["kto"], DAY, base, recipe, folder, sft), _quiet), right)
    for name, values in METHODS.items():
        job = TrainingJob("grpo", data["grpo"], DAY, base, adjusted(recipe, {"grpo": values}), folder, sft)
        report(name, base, train(job, _quiet), right)


def _quiet(line: str) -> None:
    """Training's lines are not for this table."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument("--home", type=Path)
    given = parser.parse_args()
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as folder:
            compare(seed, given.home / str(seed) if given.home else Path(folder))


if __name__ == "__main__":
    main()
