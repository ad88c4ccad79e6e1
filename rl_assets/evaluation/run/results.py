"""The records of a report that follow from scores and manifests alone: by model, sample, benchmark, lineage, notes."""

from collections.abc import Sequence
from pathlib import Path

from rl_assets.evaluation.run.columns import Column
from rl_assets.evaluation.run.estimates import EvalScores, compare, intervals, metric_columns
from rl_assets.evaluation.run.generate import ModelScores, PromptSet
from rl_assets.evaluation.run.inputs import Benchmark
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.evaluation.run.slices import slices
from rl_assets.evaluation.schema.report import (
    ROLES,
    BenchmarkResult,
    DatasetUsed,
    HeldOutResult,
    JudgeResult,
    Lineage,
    ModelResult,
    Role,
    Slice,
    TrainingRun,
    WorstAnswer,
)
from rl_assets.llm.prices import Price
from rl_assets.metrics.text import exact_match, pair_f1, token_f1, why_wrong
from rl_assets.models.adapters import Adapter
from rl_assets.models.generation import Answer
from rl_assets.models.loading import quantization_of
from rl_assets.tables.dataset_manifest import require_manifest

MAX_WORST_ANSWERS = 20
# The share of answers that may be cut off before a note says so.
MAX_UNFINISHED = 0.05


def model_results(scores: EvalScores, price: Price | None) -> dict[Role, ModelResult]:
    """Every role's metrics with their intervals."""
    return {role: _model_result(role, scores, price) for role in ROLES if role in scores.by_role}


def _model_result(role: Role, scores: EvalScores, price: Price | None) -> ModelResult:
    models, own = scores.models, scores.by_role[role]
    adapter, answers = models.roles()[role], own.generation.answers
    return ModelResult(
        role=role,
        kind=adapter.kind if adapter else "base",
        label=models.label(adapter),
        sha256=models.weights(adapter),
        inputs_hash=adapter.inputs_hash if adapter else None,
        metrics=intervals(scores.columns[role]),
        latency=own.latency,
        tokens_per_second=own.generation.tokens_per_second if answers else None,
        tokens_per_answer=sum(answer.tokens for answer in answers) / len(answers) if answers else None,
        cost_per_answer_usd=_cost_per_answer(answers, price) if answers and price else None,
        unfinished_answers=sum(not answer.finished for answer in answers),
        failed_checks=[f"{check.name} ({check.what})" for check in adapter.manifest.failed_checks] if adapter else [],
    )


def _cost_per_answer(answers: Sequence[Answer], price: Price) -> float:
    """Mean US dollars per answer, its prompt included."""
    return sum(price.usd(answer.prompt_tokens, answer.tokens) for answer in answers) / len(answers)


def held_out_result(scores: EvalScores) -> HeldOutResult:
    """The sample, the candidate's differences by slice, and its worst answers."""
    sample, items = scores.held_out, scores.held_out.items
    return HeldOutResult(
        items=len(items),
        clusters=len({item.cluster for item in items}),
        pairs=len(sample.pairs),
        too_long=sample.too_long,
        max_new_tokens=sample.max_new_tokens,
        slices=_slices(scores),
        worst_answers=worst_answers(sample, scores.by_role["candidate"]),
    )


def _slices(scores: EvalScores) -> list[Slice]:
    """The level metric by slice; none if it is not a metric of every item."""
    ours, theirs = (scores.columns[role].get(scores.level) for role in ("candidate", scores.models.against))
    items = scores.held_out.items
    if not isinstance(ours, Column) or not isinstance(theirs, Column) or len(ours) != len(items):
        return []
    return slices(items, ours, theirs)


def worst_answers(prompts: PromptSet, scores: ModelScores, limit: int = MAX_WORST_ANSWERS) -> list[WorstAnswer]:
    """Answers that match no reference, lowest token F1 first."""
    missed = [
        (token_f1(answer.text, item.references), item.cluster, item, answer.text)
        for item, answer in zip(prompts.items, scores.generation.answers, strict=True)
        if not exact_match(answer.text, item.references)
    ]
    missed.sort(key=lambda row: row[:2])
    return [
        WorstAnswer(
            prompt=item.prompt[-1]["content"],
            reference=max(item.references, key=lambda reference: pair_f1(text, reference)),
            answer=text,
            why=why_wrong(text, item.references),
            token_f1=f1,
        )
        for f1, _, item, text in missed[:limit]
    ]


def benchmark_results(scores: EvalScores, benchmarks: Sequence[Benchmark]) -> list[BenchmarkResult]:
    """Each benchmark's metrics by role, and the candidate's differences from the model that it would replace."""
    return [_benchmark_result(scores, benchmark) for benchmark in benchmarks]


def _benchmark_result(scores: EvalScores, benchmark: Benchmark) -> BenchmarkResult:
    prompts, against = scores.prompts.benchmarks[benchmark.name], scores.models.against
    columns = {
        role: metric_columns(prompts, own, None, None) for role, own in scores.on_benchmark(benchmark.name).items()
    }
    return BenchmarkResult(
        name=benchmark.name,
        sha256=benchmark.sha256,
        items=len(prompts.items),
        too_long=prompts.too_long,
        metrics={role: intervals(own) for role, own in columns.items()},
        against=against,
        differences=compare("candidate", against, columns, scores.level).differences,
    )


def lineage(models: EvaluatedModels, datasets: list[DatasetUsed]) -> Lineage:
    """The hashes of the base, the datasets and the champion."""
    return Lineage(
        base_name=models.base.name,
        base_sha256=models.base.sha256,
        datasets=datasets,
        champion_sha256=models.champion.sha256 if models.champion else None,
        champion_base_sha256=models.champion.base_sha256 if models.champion else None,
        quantization=models.quantization,
    )


def dataset_used(folder: Path) -> DatasetUsed:
    """Name, day, hash and row counts of a published dataset, from its manifest."""
    manifest = require_manifest(folder)
    return DatasetUsed(**manifest.model_dump(include={"name", "day", "sha256", "rows", "inputs"}))


def training_runs(models: EvaluatedModels) -> list[TrainingRun]:
    """How the candidate's parent and the candidate were trained."""
    return [training_run(adapter) for adapter in (models.parent, models.candidate) if adapter]


def training_run(adapter: Adapter) -> TrainingRun:
    """Cost and loss by the adapter's manifest."""
    manifest = adapter.manifest
    return TrainingRun(
        kind=adapter.kind,
        inputs_hash=adapter.inputs_hash,
        sha256=adapter.sha256,
        dataset_sha256=manifest.dataset.sha256,
        wall_s=manifest.wall_s,
        tokens=manifest.tokens,
        peak_memory_bytes=manifest.peak_memory_bytes,
        device=manifest.device,
        loss_curve=[(step, loss) for step, loss, _ in manifest.loss_curve],
    )


def notes_on(scores: EvalScores, judge: JudgeResult) -> list[str]:
    """What a reader should know alongside the values, as sentences."""
    models, verdicts = scores.models, judge.pairwise
    notes = [] if verdicts else ["No judge is configured: there are automatic metrics only."]
    notes += _dropped(scores.held_out, "held-out") + _dropped(scores.prompts.fresh, "fresh")
    notes += _unfinished(scores)
    notes += _quantized(models)
    if models.parent is None:
        notes.append(_without_parent(models.candidate))
    notes += models.not_evaluated()
    if models.champion is not None and models.champion.sha256 == models.candidate.sha256:
        notes.append("The candidate is the champion: it was evaluated once and compared with itself.")
    if verdicts is not None and verdicts.skipped:
        notes.append(f"{verdicts.skipped} pairs are left for another run: the judge's budget was spent or it was down.")
    return notes


def _dropped(sample: PromptSet, which: str) -> list[str]:
    """How many rows were dropped, and why."""
    notes = []
    if sample.too_long:
        notes.append(
            f"{sample.too_long} {which} rows exceed the context of {sample.context:,} tokens, with room for answers of "
            f"{sample.max_new_tokens}, and were dropped."
        )
    if sample.refused:
        notes.append(f"{sample.refused} {which} rows are refused by the chat template and were dropped.")
    if sample.with_control_tokens:
        notes.append(f"{sample.with_control_tokens} {which} rows have control tokens in their texts and were dropped.")
    return notes


def _unfinished(scores: EvalScores) -> list[str]:
    """The models many of whose answers were cut off at the room that all have."""
    cut = []
    for role, own in scores.by_role.items():
        answers = own.generation.answers
        share = sum(not answer.finished for answer in answers) / max(1, len(answers))
        if share > MAX_UNFINISHED:
            cut.append(f"{share:.0%} of the {role}'s")
    room = scores.held_out.max_new_tokens
    return [f"Answers were cut off at {room} new tokens, the room of all models: {', '.join(cut)}."] if cut else []


def _quantized(models: EvaluatedModels) -> list[str]:
    """On which weights the models answered, if not on those of the base as it is stored."""
    others = [
        f"the {role} ({quantization_of(adapter) or 'not quantized'})"
        for role, adapter in models.roles().items()
        if adapter and quantization_of(adapter) != models.quantization
    ]
    notes = []
    if models.quantization:
        notes.append(
            f"All models answered on the base quantized to {models.quantization}, as the candidate was trained, with "
            "their adapters apart from its weights. So requests were timed too, those of the base with an adapter of "
            "no effect; an adapter that is merged into the unquantized base answers faster and, by rounding, a little "
            "otherwise."
        )
    if others:
        was = models.quantization or "not quantized"
        notes.append(f"Trained on a base of another quantization than the candidate's ({was}): {', '.join(others)}.")
    return notes


def _without_parent(candidate: Adapter) -> str:
    if candidate.manifest.parent:
        return "The adapter that the candidate was trained on is not among the day's, so it is not compared with it."
    return "The candidate was trained on the base itself, so it has no parent to compare with."
