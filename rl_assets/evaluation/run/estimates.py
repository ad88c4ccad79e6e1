"""Raw scores -> figures with intervals, of one model and of paired differences between two."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rl_assets.evaluation.run.columns import AnyColumn, Column, RateColumn, column, less
from rl_assets.evaluation.run.items import Item
from rl_assets.evaluation.run.model_scores import HeldOut, ModelScores
from rl_assets.evaluation.schema.results import PRIMARY, Comparison
from rl_assets.evaluation.schema.roles import Role
from rl_assets.metrics.bleu import BleuColumn, counter, sentence_counts
from rl_assets.metrics.rouge import KINDS as ROUGE
from rl_assets.metrics.rouge import rouge
from rl_assets.metrics.statistics import Interval, clusters_needed, minimum_detectable_effect
from rl_assets.metrics.structured import field_f1
from rl_assets.metrics.text import exact_match, json_validity, same_answer, token_f1
from rl_assets.metrics.verifiers import solves
from rl_assets.models.log_probabilities import implicit_margins, likelihood_margins, preferred

Row = tuple[Item, str]
# Quality is told per this many tokens.
TOKENS = 100


def columns(
    held_out: HeldOut, scores: ModelScores, base: ModelScores | None, parent: ModelScores | None
) -> dict[str, AnyColumn]:
    """Metric name -> column; metrics without a row are absent.

    `base` is None for the base itself, which has no implicit reward against itself; `parent` likewise.
    """
    found = {**answer_columns(held_out, scores), **_likelihood_columns(held_out, scores)}
    clusters = [pair.cluster for pair in held_out.pairs]
    for name, reference in (("preference_accuracy", base), ("preference_over_parent", parent)):
        if reference is not None:
            wins = preferred(implicit_margins(scores.pairs, reference.pairs))
            found[name] = column(wins, clusters)
    return {name: scored for name, scored in found.items() if len(scored)}


def answer_columns(held_out: HeldOut, scores: ModelScores) -> dict[str, AnyColumn]:
    """Columns of the generated answers; BLEU and ROUGE where references are prose, field F1 where JSON."""
    answers = zip(held_out.items, scores.generation.answers, strict=True)
    rows = [(item, answer.text) for item, answer in answers]
    known = [row for row in rows if row[0].references]
    return {
        "exact_match": _measured(known, lambda item, text: exact_match(text, item.references)),
        "token_f1": _measured(known, lambda item, text: token_f1(text, item.references)),
        "json_validity": _measured(known, lambda item, text: json_validity(text, item.references)),
        "field_f1": _measured(known, lambda item, text: field_f1(text, item.references)),
        "task_success": _measured(rows, _success),
        "rejection_rate": _measured(rows, _rejected),
        "quality_per_token": _per_token(held_out, scores),
        **_overlap_columns([row for row in known if json_validity("", row[0].references) is None]),
    }


def _measured(rows: Sequence[Row], metric: Callable[[Item, str], float | None]) -> Column:
    """The column of the rows for which the metric has a value."""
    scored = [(metric(item, text), item.cluster) for item, text in rows]
    kept = [(value, cluster) for value, cluster in scored if value is not None]
    return column([value for value, _ in kept], [cluster for _, cluster in kept])


def _success(item: Item, text: str) -> float | None:
    if item.verifier is None:
        return None
    return solves(text, item.references, item.verifier, item.schema)


def _rejected(item: Item, text: str) -> float | None:
    """Whether the answer equals one that was rejected; None where nothing was."""
    return float(any(same_answer(text, worse) for worse in item.rejected)) if item.rejected else None


def _per_token(held_out: HeldOut, scores: ModelScores) -> RateColumn:
    """The primary metric over the tokens it took."""
    answered = zip(held_out.items, scores.generation.answers, strict=True)
    rows = [(item, answer) for item, answer in answered if item.references]
    return RateColumn(
        np.asarray([TOKENS * exact_match(answer.text, item.references) for item, answer in rows], dtype=np.float64),
        np.asarray([answer.tokens for _, answer in rows], dtype=np.float64),
        [item.cluster for item, _ in rows],
    )


def _overlap_columns(rows: Sequence[Row]) -> dict[str, AnyColumn]:
    if not rows:
        return {}
    clusters = [item.cluster for item, _ in rows]
    overlaps = [rouge(text, item.references) for item, text in rows]
    counts, count = [], counter()
    for item, text in rows:
        counts.append(sentence_counts(count, text, item.references))
    return {
        **{kind: column([found[kind] for found in overlaps], clusters) for kind in ROUGE},
        "bleu": BleuColumn(np.asarray(counts), clusters),
    }


def _likelihood_columns(held_out: HeldOut, scores: ModelScores) -> dict[str, AnyColumn]:
    clusters = [item.cluster for item in held_out.items for _ in item.references]
    wins = preferred(likelihood_margins(scores.pairs))
    return {
        "log_perplexity": column(
            [-found.total for found in scores.references],
            clusters,
            [float(found.tokens) for found in scores.references],
        ),
        "likelihood_accuracy": column(wins, [pair.cluster for pair in held_out.pairs]),
    }


def figures(found: Mapping[str, AnyColumn]) -> dict[str, Interval]:
    """Metric name -> interval, with perplexity beside its logarithm."""
    intervals = {name: scored.interval() for name, scored in found.items()}
    if "log_perplexity" in intervals:
        intervals["perplexity"] = _exponential(intervals["log_perplexity"])
    return intervals


def _exponential(log: Interval) -> Interval:
    """The interval of exp(x); no standard error, since on this scale the interval is not symmetric."""
    return Interval(
        mean=math.exp(log.mean),
        low=None if log.low is None else math.exp(log.low),
        high=None if log.high is None else math.exp(log.high),
        se=None,
        n=log.n,
        clusters=log.clusters,
    )


def compare(ours: Role, theirs: Role, table: Mapping[Role, Mapping[str, AnyColumn]]) -> Comparison:
    """Paired differences on every metric that both models have."""
    shared = [name for name in table[ours] if name in table[theirs]]
    differences = {name: less(table[ours][name], table[theirs][name]) for name in shared}
    primary = differences.get(PRIMARY)
    se = None if primary is None else primary.se
    return Comparison(
        ours=ours,
        theirs=theirs,
        differences=differences,
        minimum_detectable_effect=minimum_detectable_effect(se) if se else None,
        clusters_needed=None if primary is None else clusters_needed(primary),
    )
