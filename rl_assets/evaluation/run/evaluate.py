"""The evaluation: generate with every model on the same prompts, estimate, ask the judge, assemble the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from rl_assets.evaluation.run.answers import answers_table
from rl_assets.evaluation.run.estimates import EvalScores
from rl_assets.evaluation.run.generate import Log, ModelScores, PromptSet, generate_and_score
from rl_assets.evaluation.run.inputs import EvalInputs
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.evaluation.run.results import (
    benchmark_results,
    dataset_used,
    held_out_result,
    lineage,
    model_results,
    notes_on,
    training_runs,
)
from rl_assets.evaluation.schema.report import Contamination, EvalReport, JudgeResult, LatencyRatio
from rl_assets.judging.pairwise import AnswerPair
from rl_assets.judging.ratings import rate_by_judge
from rl_assets.judging.summary import compare_by_judge
from rl_assets.llm.client import Judge
from rl_assets.llm.prices import price_of
from rl_assets.metrics.statistics import SEED, median_interval
from rl_assets.models.latency import paired_latency_ratios
from rl_assets.models.loading import free_memory, load_for_inference
from rl_assets.models.runtime import start


@dataclass(frozen=True)
class Evaluation:
    """A report, and every model's answer to every held-out prompt (`run.answers.ANSWERS`)."""

    report: EvalReport
    answers: pa.Table


def evaluate(
    day: str,
    models: EvaluatedModels,
    inputs: EvalInputs,
    log: Log,
    judge: Judge | None = None,
    judge_pairs: int = 100,
) -> Evaluation:
    """Generate answers of every distinct model to the same held-out items and compare them, paired.

    Models are scored with one in memory at a time; for the latency ratio the candidate and the model that it
    would replace are loaded together. A champion of another base is not evaluated: nothing is comparable. If there is
    a judge, it compares at most `judge_pairs` answers of the candidate with those of that model.
    """
    # Read first: a missing or interrupted dataset should not cost an evaluation.
    datasets = [dataset_used(folder) for folder in inputs.held_out_folders]
    contamination = Contamination(prompts=inputs.contaminated())
    items, pairs = inputs.held_out()
    start(offline=Path(models.base.path).is_dir(), seed=SEED)
    scores = EvalScores(models, *generate_and_score(models, items, pairs, inputs.benchmarks, log))
    prices = price_of(inputs.prices, models.base.name)
    verdicts = judge_candidate(scores, judge, judge_pairs) if judge else JudgeResult()
    report = EvalReport(
        day=day,
        segment=inputs.name or inputs.segment,
        models=model_results(scores, prices.price),
        comparisons=scores.comparisons(),
        held_out=held_out_result(scores),
        contamination=contamination,
        benchmarks=benchmark_results(scores, inputs.benchmarks),
        judge=verdicts,
        production=inputs.production,
        latency_ratio=_latency_ratio(scores, log),
        lineage=lineage(models, datasets),
        training=training_runs(models),
        prices=prices,
        not_evaluated=models.not_evaluated(),
        notes=notes_on(scores, verdicts),
    )
    return Evaluation(report, answers_table(day, scores, prices))


def judge_candidate(scores: EvalScores, judge: Judge, max_pairs: int) -> JudgeResult:
    """Verdicts on the candidate's answers, ratings of them, and verdicts on preferences that the logs hold.

    An unreliable judge is not used for ratings.
    """
    held_out, against = scores.held_out, scores.models.against
    pairs = answer_pairs(held_out, scores.by_role["candidate"], scores.by_role[against], max_pairs)
    known = preference_pairs(held_out, max_pairs)
    pairwise = compare_by_judge(judge, "candidate", against, pairs) if pairs else None
    reliable = pairwise is not None and pairwise.reliable
    return JudgeResult(
        pairwise=pairwise,
        ratings=rate_by_judge(judge, "candidate", against, pairs) if reliable else None,
        preferences=compare_by_judge(judge, "preferred", "rejected", known) if known else None,
    )


def answer_pairs(prompts: PromptSet, ours: ModelScores, theirs: ModelScores, max_pairs: int) -> list[AnswerPair]:
    """The two models' answers to at most `max_pairs` items, evenly over all of them, for a judge."""
    return [
        AnswerPair(
            prompts.items[row].prompt,
            ours.generation.answers[row].text,
            theirs.generation.answers[row].text,
            prompts.items[row].cluster,
        )
        for row in _spread(len(prompts.items), max_pairs)
    ]


def preference_pairs(prompts: PromptSet, max_pairs: int) -> list[AnswerPair]:
    """Held-out preferences, the better answer first: how often a judge agrees with the logs."""
    kept = [prompts.pairs[row] for row in _spread(len(prompts.pairs), max_pairs)]
    return [AnswerPair(pair.prompt, pair.chosen, pair.rejected, pair.cluster) for pair in kept]


def _spread(size: int, limit: int) -> Sequence[int]:
    """At most `limit` of `size` rows, evenly over all of them."""
    return [(turn * size) // limit for turn in range(limit)] if size > limit else range(size)


def _latency_ratio(scores: EvalScores, log: Log) -> LatencyRatio | None:
    """Request time against the champion as users would feel it; against the base only at equal work."""
    models, held_out = scores.models, scores.held_out
    champion, candidate, against = models.comparable_champion, models.candidate, models.against
    if not held_out.items or (champion and champion.sha256 == candidate.sha256):
        return None
    log(f"timing requests of the candidate and the {against} in turns")
    ratios = _ratios(models, held_out)
    free_memory()
    return LatencyRatio(against=against, ratio=median_interval(ratios), equal_work=champion is None)


def _ratios(models: EvaluatedModels, prompts: PromptSet) -> list[float]:
    return paired_latency_ratios(
        load_for_inference(models.base, models.candidate),
        load_for_inference(models.base, models.comparable_champion),
        [item.prompt for item in prompts.items],
        prompts.max_new_tokens,
        equal_work=models.comparable_champion is None,
    )
