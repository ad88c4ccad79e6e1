"""Small real inputs for the tests: dataset folders, random adapters, reports with chosen figures."""

from datetime import date
from pathlib import Path
from typing import Any

from rl_assets.evaluation.log.log_facts import NO_AGREEMENT
from rl_assets.evaluation.run.columns import Column
from rl_assets.evaluation.run.estimates import compare
from rl_assets.evaluation.schema.results import (
    Comparison,
    DatasetUsed,
    EvalReport,
    LatencyRatio,
    LossCurve,
    ModelResult,
    WorstAnswer,
)
from rl_assets.evaluation.schema.roles import Role
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.llm.prices import PricesUsed
from rl_assets.metrics.statistics import Interval
from rl_assets.models.adapters import Adapter, publish
from rl_assets.models.base_models import BaseModel
from rl_assets.models.latency import Latency
from rl_assets.models.tiny.pretraining import TinySpec
from rl_assets_tests.support.adapter_samples import sample_manifest

DAY = "2026-10-14"
BARELY_TRAINED = TinySpec(hidden=32, intermediate=64, layers=1, heads=2, steps=12, batch=8, warmup_steps=2)


def random_adapter(base: BaseModel, folder: Path, kind: str, seed: int, parent: Adapter | None = None) -> Adapter:
    """A whole adapter folder with small random LoRA weights."""
    import torch
    from peft import LoraConfig, get_peft_model

    from rl_assets.models.loading import load_for_inference

    torch.manual_seed(seed)
    model, _ = load_for_inference(base, None)
    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(folder)
    started_from = {"inputs_hash": parent.inputs_hash, "sha256": parent.sha256} if parent else None
    of_base = {"name": base.name, "sha256": base.sha256}
    return publish(folder, sample_manifest(kind=kind, day=DAY, base=of_base, parent=started_from))


def span(mean: float, low: float, high: float, clusters: int = 80) -> Interval:
    return Interval(mean, low, high, (high - low) / 3.92, clusters, clusters)


def model_result(role: Role, sha256: str) -> ModelResult:
    return ModelResult(
        role=role,
        kind="base" if role == "base" else "dpo",
        label=role,
        sha256=sha256,
        inputs_hash=None if role == "base" else "abc",
        metrics={"exact_match": span(0.5, 0.4, 0.6)},
        latency=Latency(10.0, 12.0, 24),
        tokens_per_second=1000.0,
        tokens_per_answer=10.0,
        cost_per_answer_usd=None,
        unfinished_answers=0,
    )


def verdicts(**changes: Any) -> JudgeVerdicts:
    """A judge who found the candidate better on 50 of 80 pairs, but for the changes."""
    content: dict[str, Any] = {
        "model": "tiny-judge",
        "ours": "candidate",
        "theirs": "base",
        "pairs": 80,
        "wins": 50,
        "losses": 20,
        "ties": 10,
        "identical": 2,
        "invalid": 0,
        "not_asked": 0,
        "consistency": 0.9,
        "first_position": 0.52,
        "tie_rate": 0.125,
        "win_rate": span(0.69, 0.58, 0.79),
        "length_controlled": span(0.66, 0.55, 0.77),
        "calls": 160,
        "from_cache": 6,
        "tokens": 1660,
        "failures": {},
        "doubts": [],
    }
    return JudgeVerdicts(**(content | changes))


def comparison(theirs: Role, **differences: Interval) -> Comparison:
    return Comparison(
        ours="candidate",
        theirs=theirs,
        differences=differences,
        minimum_detectable_effect=0.1,
        clusters_needed=320,
    )


def report(theirs: Role = "base", **changes: Any) -> EvalReport:
    """A report in which the candidate is clearly better than `theirs`, but for the changes."""
    better = comparison(
        theirs,
        exact_match=span(0.3, 0.2, 0.4),
        token_f1=span(0.1, 0.05, 0.15),
        json_validity=span(0.0, 0.0, 0.0),
    )
    roles: tuple[Role, ...] = tuple(dict.fromkeys(("base", theirs, "candidate")))
    content: dict[str, Any] = {
        "day": DAY,
        "segment": "parts",
        "base_name": "tiny",
        "base_sha256": "b" * 64,
        "datasets": [DatasetUsed(name="sft_dataset", day=DAY, sha256="d" * 64, rows={"test": 80}, inputs={})],
        "items": 80,
        "pairs": 40,
        "clusters": 80,
        "left_out": 0,
        "max_new_tokens": 48,
        "champion_sha256": "champion" if theirs == "champion" else None,
        "champion_base_sha256": "b" * 64 if theirs == "champion" else None,
        "models": {role: model_result(role, role) for role in roles},
        "comparisons": {f"candidate-{theirs}": better},
        "slices": [],
        "benchmarks": [],
        "judge": None,
        "judge_alignment": None,
        "judge_ratings": None,
        "rewards": [],
        "served": [],
        "agreement": NO_AGREEMENT,
        "prices": PricesUsed(version=date(2026, 11, 21), source="a list", price=None),
        "training": [],
        "latency_ratio": LatencyRatio(against=theirs, ratio=span(1.0, 0.98, 1.02), equal_work=True),
        "leaked": [],
        "worst": [WorstAnswer(prompt="p", reference="r", answer="a", why="Wrong.", token_f1=0.0)],
        "loss_curves": [LossCurve(label="sft", points=[(1, 2.0), (2, 1.0)])],
        "not_asked": [],
        "notes": ["A note."],
    }
    return EvalReport(**(content | changes))


def compared_columns(ours: Column, theirs: Column) -> Comparison:
    return compare("candidate", "base", {"candidate": {"exact_match": ours}, "base": {"exact_match": theirs}})
