"""Our training step against a bare TRL script and TRL's defaults: `python -m rl_assets_tests.benchmarks.training`.

All train the same rows from the same model with the same effective batch, rate and steps, each in a process of
its own, in turns. Tokens a second are those of the rows, without padding, over the wall time from loading the model to
the saved adapter; imports are not in it. Ours includes reading, auditing, checkpoints, checks and publishing. The bare
script has our arguments; the defaults are TRL's but for what a CPU cannot do (bf16, pinned memory). `spinning` are the
defaults again, with OpenMP's threads spinning while they wait, as they do where nobody tells them not to. CPU time is
that of all threads: where other programs share the machine, its ratios are the ones to read. Of two numbers of steps
the difference tells what a step costs, rows' reading included, and what a run costs however long it is.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.tiny.pretraining import TinySpec
from rl_assets.models.tiny.pretraining_chat import pretraining_conversations
from rl_assets.recipes.recipe import Recipe, adjusted, preset
from rl_assets.training.job import TrainingJob
from rl_assets_tests.benchmarks.training_arms import ARMS, JOB, OUTCOME, train_ours
from rl_assets_tests.support.training_samples import DAY, parts_rows, publish


def recipe_of(steps: int) -> Recipe:
    """The recipe of ours: rows of like length in a batch, no checkpointing of activations, reference computed once."""
    fast = {"train_sampling_strategy": "group_by_length", "max_steps": steps, "save_steps": max(1, steps // 2)}
    sft, dpo = {"learning_rate": 2e-3, **fast}, {"learning_rate": 1e-3, **fast}
    values = {
        "name": "bench",
        "segment": None,
        "max_length": 512,
        "lora": {"lora_dropout": 0.0},
        "sft": sft,
        "dpo": dpo,
    }
    values |= {"min_rows_sft": 1, "min_rows_dpo": 1}
    return adjusted(preset("lora_0_5b"), values)


def conversations(count: int) -> list[dict[str, Any]]:
    """SFT rows of very different lengths: questions in context, from one turn to a dozen."""
    draw, source = Random(0), pretraining_conversations(0)
    rows = []
    while len(rows) < count:
        turns = [turn for _ in range(1 + int(draw.expovariate(0.4))) for turn in next(source)]
        plain = shortened([turn for turn in turns if turn["role"] != "system"])
        rows.append({"messages": plain, "metadata": {"segment": None, "reward": 1.0}})
    return rows


def shortened(turns: list[dict[str, str]], most: int = 900) -> list[dict[str, str]]:
    """The last exchanges of at most so many characters, which fit the model."""
    while sum(len(turn["content"]) for turn in turns) > most:
        turns = turns[2:]
    return turns


def pairs(count: int) -> list[dict[str, Any]]:
    """DPO rows with prompts as different in length."""
    draw, found = Random(1), parts_rows()["dpo"]
    history = [row["messages"] for row in parts_rows()["sft"]]
    rows = []
    for number in range(count):
        pair = found[number % len(found)]
        before = [turn for _ in range(int(draw.expovariate(0.4))) for turn in draw.choice(history)]
        rows.append(pair | {"prompt": shortened(before) + pair["prompt"], "metadata": {"segment": None, "margin": 0.2}})
    return rows


def measure(arm: str, job: TrainingJob, folder: Path) -> dict[str, float]:
    """What one arm took, in a fresh process and folder, which decides by itself how its threads wait."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        own = replace(job, adapters=Path(place))
        (Path(place) / JOB).write_bytes(own.to_json())
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_WAIT", "GOMP_"))}
        command = [sys.executable, "-m", "rl_assets_tests.benchmarks.training_arms", arm, place]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return json.loads((Path(place) / OUTCOME).read_text(encoding="utf-8"))


def compare(job: TrainingJob, tokens: int, arms: list[str], rounds: int, folder: Path) -> dict[str, float]:
    """Print each run and then medians over rounds in which all arms run, one after the other; CPU seconds by arm."""
    found: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    for number in range(rounds):
        for arm in arms:
            run = measure(arm, job, folder)
            found[arm].append(run)
            took = f"{run['seconds']:6.2f} s by the clock {run['cpu_seconds']:6.2f} s of CPU"
            print(f"round {number + 1} {job.kind} {arm:9} {took}", flush=True)
    seconds = {}
    for arm, runs in found.items():
        middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        faster = (
            f"ours is {_faster(found, arm, 'seconds')} x by the clock {_faster(found, arm, 'cpu_seconds')} x by CPU"
        )
        figures = f"loss {middle['loss']:.4f}  peak {middle['peak'] / 1e6:,.0f} MB"
        print(f"{job.kind} {arm:9} {tokens / middle['seconds']:>9,.0f} tokens/s  {faster}  {figures}", flush=True)
        seconds[arm] = middle["cpu_seconds"]
    return seconds


def print_costs(kind: str, short: int, long: int, took: dict[int, dict[str, float]]) -> None:
    """What a step and what a run costs in CPU time, from runs of two lengths."""
    for arm, seconds in took[long].items():
        step = (seconds - took[short][arm]) / (long - short)
        print(f"{kind} {arm:9} {1000 * step:7.1f} ms a step, {seconds - long * step:6.2f} s a run, of CPU", flush=True)


def _faster(found: dict[str, list[dict[str, float]]], arm: str, what: str) -> str:
    """Median over rounds of an arm's time over that of ours."""
    ratios = [theirs[what] / ours[what] for ours, theirs in zip(found["ours"], found[arm], strict=True)]
    return f"{statistics.median(ratios):.2f}"


def jobs(home: Path, steps: int, spec: TinySpec) -> dict[str, tuple[TrainingJob, int]]:
    """The job of each kind, one epoch of as many rows as the steps take, with the rows' tokens."""
    base = ensure_base_model("tiny", home / "models", lambda line: None, spec)
    recipe = recipe_of(steps)
    data = {
        "sft": publish(home / "sft_data", "sft_dataset", conversations(steps * recipe.sft.effective_batch_size)),
        "dpo": publish(home / "dpo_data", "dpo_dataset", pairs(steps * recipe.dpo.effective_batch_size)),
    }
    parent = train_ours(TrainingJob("sft", data["sft"], DAY, base, adjusted(recipe, {"sft": {"max_steps": 4}}), home))
    return {
        "sft": (TrainingJob("sft", data["sft"], DAY, base, recipe, home), _tokens(data["sft"], base)),
        "dpo": (TrainingJob("dpo", data["dpo"], DAY, base, recipe, home, parent), _tokens(data["dpo"], base)),
    }


def _tokens(data: Path, base: BaseModel) -> int:
    """Tokens of the training rows; a pair counts with both its conversations."""
    from pyarrow import parquet

    from rl_assets.models.loading import load_tokenizer

    tokenizer = load_tokenizer(base)
    rows = parquet.read_table(data / "train.parquet").to_pylist()
    whole = [row["messages"] for row in rows if "messages" in row]
    whole += [row["prompt"] + row[side] for row in rows if "chosen" in row for side in ("chosen", "rejected")]
    return sum(len(ids) for ids in tokenizer.apply_chat_template(whole, return_dict=True)["input_ids"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=["sft", "dpo"], default=["sft", "dpo"])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="beside `ours`")
    parser.add_argument("--steps", type=int, nargs="+", default=[100], help="of 16 rows or pairs; two tell their cost")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hidden", type=int, default=128, help="width of the model; 128 is that of `tiny`")
    given = parser.parse_args()
    spec = TinySpec(hidden=given.hidden, intermediate=given.hidden * 5 // 2, steps=60, warmup_steps=6)
    with tempfile.TemporaryDirectory() as folder:
        arms = ["ours", *(arm for arm in given.arms if arm != "ours")]
        took: dict[str, dict[int, dict[str, float]]] = {kind: {} for kind in given.kinds}
        for steps in given.steps:
            print(f"{steps} steps", flush=True)
            for kind, (job, tokens) in jobs(Path(folder) / str(steps), steps, spec).items():
                if kind in given.kinds:
                    took[kind][steps] = compare(job, tokens, arms, given.rounds, Path(folder))
        if len(given.steps) > 1:
            for kind in given.kinds:
                print_costs(kind, min(given.steps), max(given.steps), took[kind])


if __name__ == "__main__":
    main()
