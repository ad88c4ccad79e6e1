"""Figures of what must hold, for every method of training: `python -m rl_assets_tests.benchmarks.invariants [<home>]`.

With a home, the checks in the manifests of the adapters below it. Then, on a small model: the largest difference in
loss between a batch of 8 and 2 accumulated four times, and between rows end to end and padded ones; and the largest
difference in weights after a SIGKILL and a resumption. KTO pairs rows within a batch, so its batches cannot be divided;
TRL averages the "sft" part of a DPO loss over the tokens of each accumulated batch: dividing batches changes that loss.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from rl_assets.models.adapters import WEIGHTS, Adapter, Check, is_complete, read_adapter
from rl_assets.models.base_models import ensure_base_model
from rl_assets.recipes.recipe import adjusted
from rl_assets.training.job import Kind, TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.support.killed_trainings import run_until_killed
from rl_assets_tests.support.training_samples import DAY, ONLINE, SMALL, few_steps, publish_few

METHODS: dict[str, tuple[Kind, dict[str, Any]]] = {
    "sft": ("sft", {}),
    "dpo": ("dpo", {"loss_type": ["sigmoid"]}),
    "dpo with sft": ("dpo", {"loss_type": ["sigmoid", "sft"]}),
    "kto": ("kto", {}),
    "reward": ("reward", {"max_steps": 6, "save_steps": 2}),
    "raft": ("grpo", {"method": "raft"}),
    "awr": ("grpo", {"method": "awr"}),
    "offline_grpo": ("grpo", {"method": "offline_grpo"}),
    "online_grpo": ("grpo", ONLINE),
}
NOT_DIVISIBLE = ("kto", "online_grpo")


def jobs(home: Path) -> dict[str, TrainingJob]:
    """A job for every method, on a few rows and a small model, without dropout."""
    base = ensure_base_model("tiny", home / "models", _quiet, SMALL)
    # Whole batches of pairs alone: the mean of the parts of a smaller last one is not its mean.
    kinds = {kind for kind, _ in METHODS.values()}
    data = {kind: publish_few(home / "data", kind, 56 if kind == "dpo" else None) for kind in kinds}
    recipe = adjusted(few_steps(), {"lora": {"lora_dropout": 0.0}})
    sft = TrainingJob("sft", data["sft"], DAY, base, recipe, home / "whole")
    parent = train(sft, _quiet)
    return {
        name: TrainingJob(
            kind,
            data[kind],
            DAY,
            base,
            adjusted(recipe, {kind: {"effective_batch_size": 8, **values}}),
            home / "whole",
            parent if kind not in ("sft", "reward") else None,
        )
        for name, (kind, values) in METHODS.items()
    }


def with_stage(job: TrainingJob, **values: Any) -> TrainingJob:
    return replace(job, recipe=adjusted(job.recipe, {job.kind: values}))


def loss_difference(one: Adapter, other: Adapter) -> float:
    """The largest difference of two loss curves at a step."""
    curves = zip(one.manifest.loss_curve, other.manifest.loss_curve, strict=True)
    return max(abs(ours[1] - theirs[1]) for ours, theirs in curves)


def weight_difference(one: Adapter, other: Path) -> float:
    """The largest difference of an adapter's weights from those in another folder."""
    from safetensors.torch import load_file

    ours, theirs = (load_file(folder / WEIGHTS) for folder in (one.folder, other))
    return max((ours[name] - theirs[name]).abs().max().item() for name in ours)


def measure(home: Path) -> None:
    """Print a line for every method."""
    for name, job in jobs(home).items():
        whole = train(job, _quiet)
        killed = replace(job, adapters=home / f"killed_{name}")
        run_until_killed(killed, 5)
        resumed = train(killed, _quiet)
        line = f"{name:20} resumed from step {resumed.manifest.resumed_from_step}:"
        line += f" weights differ by {weight_difference(whole, resumed.folder):.3g}"
        if name not in NOT_DIVISIBLE:
            parts = train(with_stage(job, gradient_accumulation_steps=4), _quiet)
            line += f"; accumulated: losses differ by {loss_difference(whole, parts):.3g}"
        if job.kind == "sft":
            free = train(with_stage(job, padding_free=True), _quiet)
            line += f"; end to end: {loss_difference(whole, free):.3g}"
        print(line, flush=True)


def print_checks(home: Path) -> None:
    """Print the checks of all adapters below `home`, by method and name: how many passed, and their values."""
    found: dict[tuple[str, str], list[Check]] = {}
    for path in sorted(home.rglob(WEIGHTS)):
        if is_complete(path.parent):
            manifest = read_adapter(path.parent).manifest
            for name, check in manifest.checks.items():
                found.setdefault((manifest.method or manifest.kind, name), []).append(check)
    for (method, name), checks in found.items():
        values = ", ".join(f"{check.value:.6g}" for check in checks)
        limits = sorted({f"{check.limit:.6g}" for check in checks})
        passed = f"{sum(check.passed for check in checks)} of {len(checks)} passed"
        print(f"{method:20} {name:24} {passed}: {values} (limit {', '.join(limits[:3])})", flush=True)


def _quiet(line: str) -> None:
    """Training's lines are not for this list."""


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print_checks(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))
