"""Small real inputs for the tests: random adapters, reports with chosen values."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from rl_assets.evaluation.promotion.nights import night_table, weigh_nights
from rl_assets.evaluation.report.eval_sections import eval_sections
from rl_assets.evaluation.report.html import to_html
from rl_assets.evaluation.report.markdown import to_markdown
from rl_assets.evaluation.run.columns import Column
from rl_assets.evaluation.run.estimates import compare
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.evidence import ClusterDifference, Evidence
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.evaluation.schema.report import (
    Comparison,
    Contamination,
    DatasetUsed,
    EvalReport,
    HeldOutResult,
    JudgeResult,
    LatencyRatio,
    Lineage,
    ModelResult,
    Production,
    Role,
    TrainingRun,
    WorstAnswer,
)
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.judging.win_rates import WinsByLength
from rl_assets.llm.prices import PricesUsed
from rl_assets.metrics.statistics import Interval
from rl_assets.models.adapters import Adapter, publish
from rl_assets.models.base_models import BaseModel
from rl_assets.models.latency import Latency
from rl_assets.models.tiny.pretraining import TinySpec
from rl_assets_tests.support.adapter_samples import sample_manifest

DAY = "2026-10-14"
BARELY_TRAINED = TinySpec(hidden=32, intermediate=64, layers=1, heads=2, steps=12, batch=8, warmup_steps=2)


def random_adapter(
    base: BaseModel, folder: Path, kind: str, seed: int, parent: Adapter | None = None, **recipe: Any
) -> Adapter:
    """A whole adapter folder with small random LoRA weights, as if trained by those values of a recipe."""
    import torch
    from peft import LoraConfig, get_peft_model

    from rl_assets.models.loading import load_base

    torch.manual_seed(seed)
    model = load_base(base, None, print)
    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(folder)
    started_from = {"inputs_hash": parent.inputs_hash, "sha256": parent.sha256} if parent else None
    of_base = {"name": base.name, "sha256": base.sha256}
    return publish(folder, sample_manifest(kind=kind, day=DAY, base=of_base, parent=started_from, recipe=recipe))


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
        "skipped": 0,
        "consistency": 0.9,
        "first_position": 0.52,
        "tie_rate": 0.125,
        "win_rate": span(0.69, 0.58, 0.79),
        "length_controlled": span(0.66, 0.55, 0.77),
        "clusters": 80,
        "by_length": WinsByLength(longer=span(0.7, 0.6, 0.8), shorter=span(0.68, 0.58, 0.78), mean=0.69, low=0.62),
        "calls": 160,
        "from_cache": 6,
        "tokens": 1660,
        "failures": {},
        "problems": [],
    }
    return JudgeVerdicts(**(content | changes))


def agreement(longer: float, shorter: float, **changes: Any) -> JudgeVerdicts:
    """Verdicts on logged preferences: how often a judge agrees where people chose the longer, and the shorter."""
    halves = WinsByLength(
        longer=span(longer, longer - 0.05, longer + 0.05),
        shorter=span(shorter, shorter - 0.05, shorter + 0.05),
        mean=(longer + shorter) / 2,
        low=(longer + shorter) / 2 - 0.04,
    )
    return verdicts(ours="preferred", theirs="rejected", by_length=halves, **changes)


def comparison(theirs: Role, **differences: Interval) -> Comparison:
    """A comparison with these differences, which guardrails read too."""
    return Comparison(
        guarded=differences,
        ours="candidate",
        theirs=theirs,
        differences=differences,
        minimum_detectable_effect=0.1,
        clusters_needed=320,
    )


def evidence_of_nights(nights: dict[date, list[ClusterDifference]], judged: bool = False) -> Evidence:
    """What these nights say, the last of which is tonight."""
    rows = pa.concat_tables(night_table(day, found) for day, found in nights.items())
    return weigh_nights(rows, max(nights), judged)


def evidence(better: int, worse: int, equal: int = 0, nights: int = 1) -> Evidence:
    """What so many clusters say on which ours is better, worse or equal by 1, spread over nights."""
    values = [1.0] * better + [-1.0] * worse + [0.0] * equal
    rows = [ClusterDifference(cluster=f"c{n}", difference=value, source="test") for n, value in enumerate(values)]
    first = date.fromisoformat(DAY) - timedelta(days=nights - 1)
    return evidence_of_nights({first + timedelta(days=night): rows[night::nights] for night in range(nights)})


# 80 clusters that show a gain, no difference, and a loss.
SHOWN, EVEN, LOST = evidence(29, 5, 46), evidence(6, 5, 69), evidence(5, 29, 46)


def held_out(**changes: Any) -> HeldOutResult:
    """A sample of 80 items, one of which the candidate misses."""
    content: dict[str, Any] = {
        "items": 80,
        "clusters": 80,
        "pairs": 40,
        "too_long": 0,
        "max_new_tokens": 48,
        "slices": [],
        "worst_answers": [WorstAnswer(prompt="p", reference="r", answer="a", why="Wrong.", token_f1=0.0)],
    }
    return HeldOutResult(**(content | changes))


def lineage(theirs: Role = "base", **changes: Any) -> Lineage:
    champion = {"champion_sha256": "champion", "champion_base_sha256": "b" * 64} if theirs == "champion" else {}
    content: dict[str, Any] = {
        "base_name": "tiny",
        "base_sha256": "b" * 64,
        "datasets": [DatasetUsed(name="sft_dataset", day=DAY, sha256="d" * 64, rows={"test": 80}, inputs={})],
        "champion_sha256": None,
        "champion_base_sha256": None,
    }
    return Lineage(**(content | champion | changes))


def training_run(**changes: Any) -> TrainingRun:
    """A run of two steps that recorded its losses and nothing else."""
    content: dict[str, Any] = dict.fromkeys(("wall_s", "tokens", "peak_memory_bytes", "device"))
    named = {"kind": "sft", "inputs_hash": "abc", "sha256": "e" * 64, "dataset_sha256": "d" * 64}
    return TrainingRun(**(content | named | {"loss_curve": [(1, 2.0), (2, 1.0)]} | changes))


def primary(**changes: Any) -> Primary:
    """Exact match decides, but for the changes."""
    content: dict[str, Any] = {
        "declared": "auto",
        "metric": "exact_match",
        "strength": "PROMOTE",
        "day": DAY,
        "against": "base",
        "base": "b" * 64,
        "judge": None,
        "why": "80 of 80 held-out prompts have references of at most 8 words; 80% are needed",
        "rungs": [],
    }
    return Primary(**(content | changes))


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
        "primary": primary(),
        "models": {role: model_result(role, role) for role in roles},
        "comparisons": {f"candidate-{theirs}": better},
        "held_out": held_out(),
        "contamination": Contamination(prompts=[]),
        "benchmarks": [],
        "judge": JudgeResult(),
        "production": Production(),
        "latency_ratio": LatencyRatio(ours="candidate", against=theirs, ratio=span(1.0, 0.98, 1.02), equal_work=True),
        "lineage": lineage(theirs),
        "training": [training_run()],
        "prices": PricesUsed(version=date(2026, 11, 21), source="a list", price=None),
        "not_evaluated": [],
        "notes": ["A note."],
    }
    return EvalReport(**(content | changes))


def html_page(whole: EvalReport, decision: Decision | None = None) -> str:
    return to_html(eval_sections(whole, decision))


def markdown_page(whole: EvalReport, decision: Decision | None = None) -> str:
    return to_markdown(eval_sections(whole, decision))


def compared_columns(ours: Column, theirs: Column) -> Comparison:
    return compare(
        "candidate", "base", {"candidate": {"exact_match": ours}, "base": {"exact_match": theirs}}, "exact_match"
    )
