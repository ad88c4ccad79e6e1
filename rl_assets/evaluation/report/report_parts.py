"""The parts of a report that need no model: figures by role, worst answers, curves, datasets, notes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rl_assets.evaluation.run.benchmarks import Benchmark
from rl_assets.evaluation.run.estimates import columns, compare, figures
from rl_assets.evaluation.run.model_scores import HeldOut, ModelScores
from rl_assets.evaluation.run.scores import Measured
from rl_assets.evaluation.schema.results import DatasetUsed, LossCurve, ModelResult, WorstAnswer
from rl_assets.evaluation.schema.roles import Role
from rl_assets.evaluation.schema.sections import BenchmarkResult, TrainingCost
from rl_assets.judging.pairwise import Duel
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.llm.prices import Price
from rl_assets.metrics.text import exact_match, pair_f1, token_f1, why_wrong
from rl_assets.models.adapters import Adapter
from rl_assets.models.generation import Answer

WORST = 20


def model_result(role: Role, measured: Measured, price: Price | None) -> ModelResult:
    """One model's figures with their intervals."""
    subjects, scores = measured.subjects, measured.scores[role]
    adapter, answers = subjects.roles()[role], scores.generation.answers
    return ModelResult(
        role=role,
        kind=adapter.kind if adapter else "base",
        label=subjects.label(adapter),
        sha256=subjects.weights(adapter),
        inputs_hash=adapter.inputs_hash if adapter else None,
        metrics=figures(measured.table[role]),
        latency=scores.latency,
        tokens_per_second=scores.generation.tokens_per_second if answers else None,
        tokens_per_answer=sum(answer.tokens for answer in answers) / len(answers) if answers else None,
        cost_per_answer_usd=_cost(answers, price) if answers and price else None,
        unfinished_answers=sum(not answer.finished for answer in answers),
    )


def _cost(answers: Sequence[Answer], price: Price) -> float:
    """Mean US dollars an answer, its prompt included."""
    return sum(price.usd(answer.prompt_tokens, answer.tokens) for answer in answers) / len(answers)


def worst_answers(held_out: HeldOut, scores: ModelScores, limit: int = WORST) -> list[WorstAnswer]:
    """Answers that match no reference, lowest token F1 first."""
    missed = [
        (token_f1(answer.text, item.references), item.cluster, item, answer.text)
        for item, answer in zip(held_out.items, scores.generation.answers, strict=True)
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


def loss_curve(adapter: Adapter) -> LossCurve:
    """The training loss that the adapter's manifest recorded."""
    points = [(step, loss) for step, loss, _ in adapter.manifest.loss_curve]
    return LossCurve(label=adapter.kind, points=points)


def dataset_used(folder: Path) -> DatasetUsed:
    """Name, day, hash and row counts of a published dataset, from its manifest."""
    path = folder / "manifest.json"
    if not path.is_file():
        raise FileNotFoundError(f"no manifest at {path}: that dataset was interrupted, materialize it again")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    return DatasetUsed(**{key: manifest[key] for key in ("name", "day", "sha256", "rows", "inputs")})


def training_cost(adapter: Adapter) -> TrainingCost:
    """What the adapter's manifest says its training took."""
    manifest = adapter.manifest
    return TrainingCost(
        kind=adapter.kind,
        inputs_hash=adapter.inputs_hash,
        sha256=adapter.sha256,
        dataset=manifest.dataset.sha256,
        wall_s=manifest.wall_s,
        tokens=manifest.tokens,
        peak_memory_bytes=manifest.peak_memory_bytes,
        device=manifest.device,
    )


def benchmark_result(
    benchmark: Benchmark, asked: HeldOut, answered: Mapping[Role, ModelScores], against: Role
) -> BenchmarkResult:
    """One benchmark's figures by role, and the candidate's differences from `against`."""
    table = {role: columns(asked, scores, None, None) for role, scores in answered.items()}
    return BenchmarkResult(
        name=benchmark.name,
        sha256=benchmark.sha256,
        items=len(asked.items),
        left_out=asked.left_out,
        metrics={role: figures(found) for role, found in table.items()},
        against=against,
        differences=compare("candidate", against, table).differences,
    )


def duels(held_out: HeldOut, ours: ModelScores, theirs: ModelScores, most: int) -> list[Duel]:
    """The two models' answers to at most `most` items, evenly over all of them, for a judge."""
    return [
        Duel(
            held_out.items[row].prompt,
            ours.generation.answers[row].text,
            theirs.generation.answers[row].text,
            held_out.items[row].cluster,
        )
        for row in _spread(len(held_out.items), most)
    ]


def preference_duels(held_out: HeldOut, most: int) -> list[Duel]:
    """Held-out preferences, the better answer first: how often a judge agrees with the logs."""
    kept = [held_out.pairs[row] for row in _spread(len(held_out.pairs), most)]
    return [Duel(pair.prompt, pair.chosen, pair.rejected, pair.cluster) for pair in kept]


def _spread(size: int, most: int) -> Sequence[int]:
    """At most `most` of `size` rows, evenly over all of them."""
    return [(turn * size) // most for turn in range(most)] if size > most else range(size)


def notes_on(measured: Measured, judge: JudgeVerdicts | None) -> list[str]:
    """What a reader should know beside the figures, as sentences."""
    subjects, held_out = measured.subjects, measured.held_out
    notes = [] if judge else ["No judge is configured: the figures are automatic metrics only."]
    if held_out.left_out:
        notes.append(f"{held_out.left_out} held-out rows are longer than the model's context and were left out.")
    if subjects.parent is None:
        notes.append(_without_parent(subjects.candidate))
    notes += subjects.not_asked()
    if subjects.champion is not None and subjects.champion.sha256 == subjects.candidate.sha256:
        notes.append("The candidate is the champion: it was evaluated once and compared with itself.")
    if judge is not None and judge.not_asked:
        notes.append(
            f"{judge.not_asked} pairs were left for another night: the judge's budget was spent or it was down."
        )
    return notes


def _without_parent(candidate: Adapter) -> str:
    if candidate.manifest.parent:
        return "The adapter that the candidate was trained on is not among the day's, so it is not compared with it."
    return "The candidate was trained on the base itself, so it has no parent to compare with."
