"""Whether real feedback makes a real model better: base, SFT and DPO on held-out prompts of published logs.

    python -m rl_assets_tests.benchmarks.real_model --source <folder of the samples> --home <folder to keep>

Each task's log is landed, and datasets are built by `datasets_job` in Dagster, as in production. Then each seed holds
out another quarter of the clusters of near-duplicate prompts (five times the share of the product's own split, so that
intervals say something), trains on the rest by the recipe `lora_135m`, and `evaluate` compares the models as
`eval_report` does. What was trained is kept in the home: a run that was stopped goes on.
"""

import argparse
import json
import logging
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from math import hypot
from pathlib import Path
from statistics import fmean
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.core.files import sha256_json, sha256_text
from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.run.evaluate import evaluate
from rl_assets.evaluation.run.inputs import EvalInputs
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.evaluation.schema.report import EvalReport, Role
from rl_assets.metrics.statistics import Z_CONFIDENCE, Interval
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.smollm2 import SMOLLM2
from rl_assets.quickstart.landing_files import read_lines
from rl_assets.recipes.recipe import Recipe, adjusted, matches_filters, preset
from rl_assets.settings import Settings
from rl_assets.training.job import TrainingJob
from rl_assets.training.train import train
from rl_assets_tests.benchmarks.sources import METRICS, SOURCES, WHEN, drop
from rl_assets_tests.support.dataset_samples import write_dataset_manifest

ROLES: tuple[Role, ...] = ("base", "parent", "candidate")
LABELS = {"base": "base", "parent": "SFT", "candidate": "SFT + DPO"}
COMPARISONS = ("parent-base", "candidate-base", "candidate-parent")
FOLDS = 4
START = date(2026, 10, 1)


def json_mode(source: Path, landing: Path) -> None:
    """Published demonstrations of answers in JSON, each as an answer that a person rated five stars."""
    rows = (
        {
            "interaction_id": f"json-{number}",
            "timestamp": f"{WHEN}T12:00:00Z",
            "messages": [{"role": "system", "content": row["system"]}, *row["messages"][:-1]],
            "answer": row["messages"][-1]["content"],
            "user_rating": 5,
        }
        for number, row in enumerate(read_lines(source / "sft-json-mode" / "json_mode_dataset.jsonl"))
        if row["messages"][-1]["role"] == "assistant"
    )
    drop(landing, "interaction_log", "json-mode", "".join(json.dumps(row) + "\n" for row in rows))


@dataclass(frozen=True)
class Task:
    """A log, the rows of it that are learnt, the metric that is aimed at, and how many prompts are answered at most."""

    land: Callable[[Path, Path], None]
    metrics: tuple[str, ...]
    items: int
    days: int = 1
    recipe: dict[str, Any] = field(default_factory=dict)


PAIRS = ("preference_accuracy", "likelihood_accuracy")
TASKS = {
    "extraction": Task(
        SOURCES["tensorzero"],
        ("field_f1", "exact_match", "json_validity"),
        200,
        recipe={"tasks": ["extract_entities"], "min_rows_sft": 40, "min_rows_dpo": 20},
    ),
    "json-mode": Task(json_mode, ("field_f1", "json_validity"), 60),
    "finegrained-qa": Task(SOURCES["finegrained-qa"], (*PAIRS, "token_f1"), 12, days=14),
    "gsm8k": Task(SOURCES["gsm8k"], (*PAIRS, "task_success"), 12, days=14),
}


def _settings(home: Path) -> Settings:
    """The gateway's log is older than its landing day, so no window of days ends it."""
    return Settings(home=home, start_date=START, metrics=METRICS, window_days=None)


def build_datasets(task: Task, source: Path, home: Path) -> str:
    """Land the task's log and build its datasets in Dagster, unless they are there; returns their day."""
    last = date(START.year, START.month, START.day + task.days - 1).isoformat()
    settings = _settings(home)
    if (settings.paths.datasets("dpo_dataset", last) / "manifest.json").is_file():
        return last
    task.land(source, home / "landing")
    resources = {"home": HomeResource.from_settings(settings)}
    defs = build_defs(resources=resources, executor=dg.in_process_executor)
    days = [date(START.year, START.month, START.day + number).isoformat() for number in range(task.days)]
    with dg.DagsterInstance.ephemeral() as instance:
        for day in days:
            defs.resolve_job_def("datasets_job").execute_in_process(partition_key=day, instance=instance)
    return last


def split_again(built: Path, folder: Path, keep: Callable[[dict[str, Any]], bool], fold: int, items: int) -> Path:
    """The rows of a built dataset, a quarter of the clusters held out by their hash; at most `items` held-out rows of
    `sft_dataset`, whose prompts the models answer."""
    name = folder.parent.name
    rows = [
        row
        for split in ("train", "validation", "test")
        for row in pq.read_table(built / f"{split}.parquet").to_pylist()
    ]
    schema = pq.read_schema(built / "train.parquet")
    kept = [row for row in rows if keep(row["metadata"])]
    held = [row for row in kept if _hash(row) % FOLDS == fold]
    trained = [row for row in kept if _hash(row) % FOLDS != fold]
    test = sorted(held, key=_hash)[:items] if name == "sft_dataset" else held
    folder.mkdir(parents=True, exist_ok=True)
    for split, content in (("train", trained), ("validation", []), ("test", test)):
        pq.write_table(pa.Table.from_pylist(content, schema), folder / f"{split}.parquet")
    counts = {"train": len(trained), "validation": 0, "test": len(test)}
    write_dataset_manifest(folder, counts, name=name, day=folder.name, sha256=sha256_json([trained, test]))
    return folder


def _hash(row: dict[str, Any]) -> int:
    metadata = row["metadata"]
    return int(sha256_text(metadata["cluster_key"] or metadata["prompt_key"])[:8], 16)


@dataclass(frozen=True)
class Outcome:
    """A seed's report, and the CPU seconds of its trainings and of its evaluation."""

    report: EvalReport
    cpu: dict[str, float]


def run_seed(task: Task, home: Path, day: str, base: BaseModel, recipe: Recipe, log: Callable[[str], None]) -> Outcome:
    """Train SFT and DPO with the recipe's seed, and evaluate both against the base."""
    settings = _settings(home)
    cpu: dict[str, float] = {}
    folders = {}
    fold = recipe.seed % FOLDS
    for name in ("sft_dataset", "dpo_dataset"):
        split = home / "held_out_anew" / str(fold) / name / day
        folders[name] = split_again(
            settings.paths.datasets(name, day), split, partial(matches_filters, recipe=recipe), fold, task.items
        )
    sft = _timed(
        cpu, "sft", lambda: train(TrainingJob("sft", folders["sft_dataset"], day, base, recipe, home / "adapters"), log)
    )
    dpo = _timed(
        cpu,
        "dpo",
        lambda: train(TrainingJob("dpo", folders["dpo_dataset"], day, base, recipe, home / "adapters", sft), log),
    )
    report = _timed(cpu, "evaluation", lambda: _evaluate(day, base, sft, dpo, folders, log))
    return Outcome(report, cpu)


def _evaluate(
    day: str, base: BaseModel, sft: Adapter, dpo: Adapter, folders: dict[str, Path], log: Callable[[str], None]
) -> EvalReport:
    inputs = EvalInputs(sft_folder=folders["sft_dataset"], dpo_folder=folders["dpo_dataset"])
    return evaluate(day, EvaluatedModels(base, dpo, parent=sft), inputs, log).report


def _timed(cpu: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    before = _cpu_seconds()
    result = work()
    cpu[name] = _cpu_seconds() - before
    return result


def _cpu_seconds() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def table(name: str, task: Task, outcomes: list[Outcome]) -> Iterator[str]:
    """A markdown table: each metric by role, then the paired differences, by seed and as their mean."""
    held = outcomes[0].report.held_out
    yield f"### {name}: {held.items} prompts and {held.pairs} pairs held out of the first seed"
    yield f"| metric | of | {' | '.join(f'seed {number}' for number in range(len(outcomes)))} | mean |"
    yield f"|---|---|{'---|' * (len(outcomes) + 1)}"
    for metric in task.metrics:
        for role in ROLES:
            yield from _row(
                metric, LABELS[role], False, [outcome.report.models[role].metrics.get(metric) for outcome in outcomes]
            )
        for pair in COMPARISONS:
            ours, theirs = (LABELS[role] for role in pair.split("-"))
            found = [outcome.report.comparisons[pair].differences.get(metric) for outcome in outcomes]
            yield from _row(metric, f"{ours} - {theirs}", True, found)
    unfinished = {
        LABELS[role]: [outcome.report.models[role].unfinished_answers for outcome in outcomes] for role in ROLES
    }
    yield f"unfinished answers of {held.items}: {unfinished}"
    yield f"CPU seconds: {[{key: round(value) for key, value in outcome.cpu.items()} for outcome in outcomes]}"


def _row(metric: str, label: str, paired: bool, found: list[Interval | None]) -> Iterator[str]:
    known = [interval for interval in found if interval]
    if known:
        cells = [f"{one.mean:.3f} [{one.low:.3f}, {one.high:.3f}]" for one in known]
        yield f"| {metric} | {label} | {' | '.join(cells)} | {_pooled(known, paired)} |"


def _pooled(folds: list[Interval], paired: bool) -> str:
    """The mean of disjoint folds; of paired differences with the interval that follows from theirs."""
    mean = fmean(one.mean for one in folds)
    if not paired:
        return f"{mean:.3f}"
    half = Z_CONFIDENCE * hypot(*(one.se or 0.0 for one in folds)) / len(folds)
    return f"{mean:.3f} [{mean - half:.3f}, {mean + half:.3f}], n = {sum(one.n for one in folds)}"


def main() -> None:
    """Print the table of each task."""
    parser = argparse.ArgumentParser(description="A real model before and after real feedback.")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--recipe", type=json.loads, default={}, help="values on top of the preset, as JSON")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    base = ensure_base_model(SMOLLM2, options.home / "models", print)
    for name in options.tasks:
        task, home = TASKS[name], options.home / name
        day = build_datasets(task, options.source, home)
        recipe = adjusted(adjusted(preset("lora_135m"), task.recipe), options.recipe)
        outcomes = [run_seed(task, home, day, base, adjusted(recipe, {"seed": seed}), print) for seed in options.seeds]
        print("\n".join(table(name, task, outcomes)), flush=True)


if __name__ == "__main__":
    main()
