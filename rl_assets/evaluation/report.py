"""The evaluation itself: candidate, base, parent and champion on the same held-out items, as one report."""

from collections.abc import Mapping
from pathlib import Path

from rl_assets.evaluation.encoding import context_length
from rl_assets.evaluation.estimates import Column, columns, compare
from rl_assets.evaluation.items import Item, Pair, held_out_answers, held_out_pairs, leaked_keys
from rl_assets.evaluation.latency import side_by_side
from rl_assets.evaluation.model_scores import (
    HeldOut,
    Log,
    ModelScores,
    fit,
    free_memory,
    score_model,
)
from rl_assets.evaluation.report_parts import (
    dataset_used,
    loss_curve,
    model_result,
    notes_on,
    weights_sha256,
    worst_answers,
)
from rl_assets.evaluation.results import (
    ROLES,
    Comparison,
    EvalReport,
    LatencyRatio,
    Role,
)
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
) -> EvalReport:
    """Ask every distinct model the same held-out items and compare the answers, paired.

    Quality is measured with one model in memory at a time; for the latency ratio the candidate and the model
    it would replace are loaded together. A champion of another base is not asked: nothing is comparable.
    """
    # Read first: a missing or interrupted dataset should not cost an evaluation.
    datasets = [dataset_used(sft_folder), dataset_used(dpo_folder)]
    leaked = leaked_keys(sft_folder, dpo_folder)
    start(offline=Path(base.path).is_dir(), seed=SEED)
    comparable = champion if champion is not None and champion.base_sha256 == base.sha256 else None
    adapters: dict[Role, Adapter | None] = {"base": None, "candidate": candidate}
    adapters |= {"parent": parent} if parent else {}
    adapters |= {"champion": comparable} if comparable else {}
    items, pairs = held_out_answers(sft_folder, segment), held_out_pairs(dpo_folder, segment)
    held_out, by_sha = _score_all(base, adapters, items, pairs, log)
    scores = {role: by_sha[weights_sha256(base, adapter)] for role, adapter in adapters.items()}
    table = {role: _role_columns(role, held_out, scores) for role in scores}
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
        latency_ratio=_latency_ratio(base, candidate, comparable, held_out, log),
        leaked=leaked,
        worst=worst_answers(held_out, scores["candidate"]),
        loss_curves=[loss_curve(adapter) for adapter in (parent, candidate) if adapter],
        notes=notes_on(held_out, parent, champion, comparable, candidate),
    )


def _score_all(
    base: BaseModel,
    adapters: Mapping[Role, Adapter | None],
    items: list[Item],
    pairs: list[Pair],
    log: Log,
) -> tuple[HeldOut, dict[str, ModelScores]]:
    """Held-out items, and scores by weights hash; the base comes first and says what its context can hold."""
    held_out: HeldOut | None = None
    found: dict[str, ModelScores] = {}
    for role, adapter in adapters.items():
        if weights_sha256(base, adapter) in found:
            continue
        model, tokenizer = load_for_inference(base, adapter)
        held_out = held_out or fit(items, pairs, tokenizer, context_length(model))
        log(f"{role}: {len(held_out.items)} held-out prompts, {len(held_out.pairs)} pairs")
        found[weights_sha256(base, adapter)] = score_model(model, tokenizer, held_out, log)
        del model
        free_memory()
    if held_out is None:
        raise ValueError("no model to evaluate")
    return held_out, found


def _role_columns(role: Role, held_out: HeldOut, scores: Mapping[Role, ModelScores]) -> dict[str, Column]:
    return columns(
        held_out,
        scores[role],
        base=None if role == "base" else scores["base"],
        parent=scores.get("parent") if role == "candidate" else None,
    )


def _comparisons(table: Mapping[Role, Mapping[str, Column]]) -> dict[str, Comparison]:
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
