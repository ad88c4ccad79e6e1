"""The evaluation itself: candidate, base, parent and champion on the same held-out items, as one report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from rl_assets.evaluation.asking import Answered, ask_models
from rl_assets.evaluation.benchmarks import Benchmark, leaked_benchmarks
from rl_assets.evaluation.columns import AnyColumn, Column
from rl_assets.evaluation.estimates import columns, compare
from rl_assets.evaluation.items import held_out_answers, held_out_pairs, leaked_keys
from rl_assets.evaluation.judging.gateway import Judge
from rl_assets.evaluation.judging.summary import compare_by_judge
from rl_assets.evaluation.latency import side_by_side
from rl_assets.evaluation.model_scores import HeldOut, Log, ModelScores, free_memory
from rl_assets.evaluation.record import ROLES, Role
from rl_assets.evaluation.report_parts import (
    benchmark_result,
    dataset_used,
    duels,
    loss_curve,
    model_result,
    notes_on,
    preference_duels,
    training_cost,
    weights_sha256,
    worst_answers,
)
from rl_assets.evaluation.results import PRIMARY, Comparison, EvalReport, LatencyRatio
from rl_assets.evaluation.sections import RewardBin
from rl_assets.evaluation.slices import slices
from rl_assets.evaluation.statistics import SEED, median_interval
from rl_assets.training.adapters import Adapter
from rl_assets.training.base_models import BaseModel
from rl_assets.training.loading import load_for_inference
from rl_assets.training.runtime import start

COMPARED: tuple[tuple[Role, Role], ...] = (
    ("candidate", "base"),
    ("candidate", "parent"),
    ("candidate", "champion"),
    ("parent", "base"),
    ("parent", "champion"),
)


def evaluate(
    day: str,
    base: BaseModel,
    candidate: Adapter,
    parent: Adapter | None,
    champion: Adapter | None,
    *,
    sft_folder: Path,
    dpo_folder: Path,
    segment: str | None,
    log: Log,
    benchmarks: Sequence[Benchmark] = (),
    rewards: Sequence[RewardBin] = (),
    judge: Judge | None = None,
    judge_pairs: int = 100,
) -> EvalReport:
    """Ask every distinct model the same held-out items and compare the answers, paired.

    Quality is measured with one model in memory at a time; for the latency ratio the candidate and the model
    it would replace are loaded together. A champion of another base is not asked: nothing is comparable. A judge,
    where there is one, compares at most `judge_pairs` answers of the candidate with those of that model.
    """
    # Read first: a missing or interrupted dataset should not cost an evaluation.
    datasets = [dataset_used(sft_folder), dataset_used(dpo_folder)]
    leaked = leaked_keys(sft_folder, dpo_folder) + leaked_benchmarks(benchmarks, sft_folder, dpo_folder)
    start(offline=Path(base.path).is_dir(), seed=SEED)
    comparable = champion if champion is not None and champion.base_sha256 == base.sha256 else None
    adapters: dict[Role, Adapter | None] = {"base": None, "candidate": candidate}
    adapters |= {"parent": parent} if parent else {}
    adapters |= {"champion": comparable} if comparable else {}
    against: Role = "champion" if comparable else "base"
    items, pairs = held_out_answers(sft_folder, segment), held_out_pairs(dpo_folder, segment)
    questions, by_sha = ask_models(base, adapters, items, pairs, benchmarks, log)
    held_out = questions.held_out
    answered = {role: by_sha[weights_sha256(base, adapter)] for role, adapter in adapters.items()}
    scores = {role: found.held_out for role, found in answered.items()}
    table = {role: _role_columns(role, held_out, scores) for role in scores}
    contest = duels(held_out, scores["candidate"], scores[against], judge_pairs) if judge else []
    verdicts = compare_by_judge(judge, "candidate", against, contest) if judge and contest else None
    known = preference_duels(held_out, judge_pairs) if judge else []
    return EvalReport(
        day=day,
        segment=segment,
        base_name=base.name,
        base_sha256=base.sha256,
        datasets=datasets,
        items=len(held_out.items),
        pairs=len(held_out.pairs),
        clusters=len({item.cluster for item in held_out.items}),
        left_out=held_out.left_out,
        max_new_tokens=held_out.max_new_tokens,
        champion_sha256=champion.sha256 if champion else None,
        champion_base_sha256=champion.base_sha256 if champion else None,
        models={r: model_result(r, base, adapters[r], scores[r], table[r]) for r in ROLES if r in scores},
        comparisons=_comparisons(table),
        slices=slices(held_out.items, _primary(table["candidate"]), _primary(table[against])) if held_out.items else [],
        benchmarks=[
            benchmark_result(found, questions.benchmarks[found.name], _on(found.name, answered), against)
            for found in benchmarks
        ],
        judge=verdicts,
        judge_alignment=compare_by_judge(judge, "preferred", "rejected", known) if judge and known else None,
        rewards=list(rewards),
        training=[training_cost(adapter) for adapter in (parent, candidate) if adapter],
        latency_ratio=_latency_ratio(base, candidate, comparable, held_out, log),
        leaked=leaked,
        worst=worst_answers(held_out, scores["candidate"]),
        loss_curves=[loss_curve(adapter) for adapter in (parent, candidate) if adapter],
        notes=notes_on(held_out, parent, champion, comparable, candidate, verdicts),
    )


def _primary(found: Mapping[str, AnyColumn]) -> Column:
    return cast("Column", found[PRIMARY])


def _on(benchmark: str, answered: Mapping[Role, Answered]) -> dict[Role, ModelScores]:
    return {role: found.benchmarks[benchmark] for role, found in answered.items()}


def _role_columns(role: Role, held_out: HeldOut, scores: Mapping[Role, ModelScores]) -> dict[str, AnyColumn]:
    return columns(
        held_out,
        scores[role],
        base=None if role == "base" else scores["base"],
        parent=scores.get("parent") if role == "candidate" else None,
    )


def _comparisons(table: Mapping[Role, Mapping[str, AnyColumn]]) -> dict[str, Comparison]:
    return {
        f"{ours}-{theirs}": compare(ours, theirs, table)
        for ours, theirs in COMPARED
        if ours in table and theirs in table
    }


def _latency_ratio(
    base: BaseModel, candidate: Adapter, champion: Adapter | None, held_out: HeldOut, log: Log
) -> LatencyRatio | None:
    """Request time against the champion as users would feel it; against the base only at equal work."""
    if not held_out.items or (champion and champion.sha256 == candidate.sha256):
        return None
    against: Role = "champion" if champion else "base"
    log(f"timing requests of the candidate and the {against} in turns")
    ratios = side_by_side(
        load_for_inference(base, candidate),
        load_for_inference(base, champion),
        [item.prompt for item in held_out.items],
        held_out.max_new_tokens,
        equal_work=champion is None,
    )
    free_memory()
    return LatencyRatio(against=against, ratio=median_interval(ratios), equal_work=champion is None)
