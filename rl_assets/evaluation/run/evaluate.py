"""The evaluation itself: candidate, base, parent and champion on the same held-out items, as one report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from rl_assets.evaluation.ab.generated import answers_table
from rl_assets.evaluation.report.report_parts import (
    benchmark_result,
    dataset_used,
    duels,
    loss_curve,
    model_result,
    notes_on,
    preference_duels,
    training_cost,
    worst_answers,
)
from rl_assets.evaluation.run.benchmarks import Benchmark
from rl_assets.evaluation.run.generate import ask_models
from rl_assets.evaluation.run.inputs import Material
from rl_assets.evaluation.run.items import held_out_answers, held_out_pairs, with_rejected
from rl_assets.evaluation.run.model_scores import HeldOut, Log
from rl_assets.evaluation.run.models import Subjects
from rl_assets.evaluation.run.scores import Measured
from rl_assets.evaluation.run.slices import slices
from rl_assets.evaluation.schema.results import EvalReport, LatencyRatio
from rl_assets.evaluation.schema.roles import ROLES
from rl_assets.judging.ratings import rate_by_judge
from rl_assets.judging.summary import compare_by_judge
from rl_assets.llm.client import Judge
from rl_assets.llm.prices import PricesUsed, price_of
from rl_assets.metrics.statistics import SEED, median_interval
from rl_assets.models.latency import paired_latency_ratios
from rl_assets.models.loading import free_memory, load_for_inference
from rl_assets.models.runtime import start


@dataclass(frozen=True)
class Evaluation:
    """A report, and what every model answered to every held-out prompt (`ab.generated.ANSWERS`)."""

    report: EvalReport
    answers: pa.Table


def evaluate(
    day: str, subjects: Subjects, material: Material, log: Log, judge: Judge | None = None, judge_pairs: int = 100
) -> Evaluation:
    """Ask every distinct model the same held-out items and compare the answers, paired.

    Quality is measured with one model in memory at a time; for the latency ratio the candidate and the model
    it would replace are loaded together. A champion of another base is not asked: nothing is comparable. A judge,
    where there is one, compares at most `judge_pairs` answers of the candidate with those of that model.
    """
    # Read first: a missing or interrupted dataset should not cost an evaluation.
    datasets, leaked = [dataset_used(folder) for folder in material.asked_of], material.leaked()
    start(offline=Path(subjects.base.path).is_dir(), seed=SEED)
    pairs = held_out_pairs(material.dpo_folder, material.segment, material.among)
    answers = held_out_answers(material.sft_folder, material.segment, among=material.among)
    items = with_rejected(answers, pairs)
    measured = Measured(subjects, *ask_models(subjects, items, pairs, material.benchmarks, log))
    prices = price_of(material.prices, subjects.base.name)
    judged = _judged(measured, judge, judge_pairs)
    report = EvalReport(
        day=day,
        segment=material.name or material.segment,
        datasets=datasets,
        leaked=leaked,
        prices=prices,
        rewards=list(material.log_facts.rewards),
        served=list(material.log_facts.served),
        agreement=material.log_facts.agreement,
        notes=notes_on(measured, judged["judge"]),
        not_asked=subjects.not_asked(),
        latency_ratio=_latency_ratio(measured, log),
        **judged,
        **_sample(measured),
        **_figures(measured, prices, material.benchmarks),
        **_training(subjects),
    )
    return Evaluation(report, answers_table(day, measured, prices))


def _sample(measured: Measured) -> dict[str, Any]:
    """Who was asked how much."""
    held_out, subjects = measured.held_out, measured.subjects
    return {
        "base_name": subjects.base.name,
        "base_sha256": subjects.base.sha256,
        "champion_sha256": subjects.champion.sha256 if subjects.champion else None,
        "champion_base_sha256": subjects.champion.base_sha256 if subjects.champion else None,
        "items": len(held_out.items),
        "pairs": len(held_out.pairs),
        "clusters": len({item.cluster for item in held_out.items}),
        "left_out": held_out.left_out,
        "max_new_tokens": held_out.max_new_tokens,
    }


def _figures(measured: Measured, prices: PricesUsed, benchmarks: Sequence[Benchmark]) -> dict[str, Any]:
    """Figures of every model, and differences between them."""
    items, against = measured.held_out.items, measured.subjects.against
    return {
        "models": {role: model_result(role, measured, prices.price) for role in ROLES if role in measured.scores},
        "comparisons": measured.comparisons(),
        "slices": slices(items, measured.primary("candidate"), measured.primary(against)) if items else [],
        "benchmarks": [
            benchmark_result(
                found, measured.questions.benchmarks[found.name], measured.on_benchmark(found.name), against
            )
            for found in benchmarks
        ],
        "worst": worst_answers(measured.held_out, measured.scores["candidate"]),
    }


def _judged(measured: Measured, judge: Judge | None, most: int) -> dict[str, Any]:
    """What the judge says of the candidate, and of preferences that the logs hold; None without one.

    A judge whose verdicts cannot be believed is not asked for ratings.
    """
    held_out, scores, against = measured.held_out, measured.scores, measured.subjects.against
    contest = duels(held_out, scores["candidate"], scores[against], most) if judge else []
    known = preference_duels(held_out, most) if judge else []
    verdicts = compare_by_judge(judge, "candidate", against, contest) if judge and contest else None
    believed = judge if verdicts and verdicts.usable else None
    return {
        "judge": verdicts,
        "judge_ratings": rate_by_judge(believed, "candidate", against, contest) if believed else None,
        "judge_alignment": compare_by_judge(judge, "preferred", "rejected", known) if judge and known else None,
    }


def _training(subjects: Subjects) -> dict[str, Any]:
    """What training the candidate and its parent took."""
    adapters = [adapter for adapter in (subjects.parent, subjects.candidate) if adapter]
    return {
        "training": [training_cost(adapter) for adapter in adapters],
        "loss_curves": [loss_curve(adapter) for adapter in adapters],
    }


def _latency_ratio(measured: Measured, log: Log) -> LatencyRatio | None:
    """Request time against the champion as users would feel it; against the base only at equal work."""
    subjects, held_out = measured.subjects, measured.held_out
    champion, candidate, against = subjects.comparable, subjects.candidate, subjects.against
    if not held_out.items or (champion and champion.sha256 == candidate.sha256):
        return None
    log(f"timing requests of the candidate and the {against} in turns")
    ratios = _ratios(subjects, held_out)
    free_memory()
    return LatencyRatio(against=against, ratio=median_interval(ratios), equal_work=champion is None)


def _ratios(subjects: Subjects, held_out: HeldOut) -> list[float]:
    return paired_latency_ratios(
        load_for_inference(subjects.base, subjects.candidate),
        load_for_inference(subjects.base, subjects.comparable),
        [item.prompt for item in held_out.items],
        held_out.max_new_tokens,
        equal_work=subjects.comparable is None,
    )
