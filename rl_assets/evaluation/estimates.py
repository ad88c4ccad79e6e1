"""Raw scores -> figures with intervals, of one model and of paired differences between two."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rl_assets.evaluation.metrics import exact_match, json_validity, token_f1
from rl_assets.evaluation.model_scores import HeldOut, ModelScores
from rl_assets.evaluation.results import PRIMARY, Comparison, Role
from rl_assets.evaluation.scoring import implicit_margins, likelihood_margins, preferred
from rl_assets.evaluation.statistics import Interval, clusters_needed, interval, minimum_detectable_effect


@dataclass(frozen=True)
class Column:
    """One model's metric: parallel values, weights, clusters; the figure is sum(values) / sum(weights)."""

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    clusters: list[str]

    def interval(self) -> Interval:
        """The figure with its interval."""
        return interval(self.values, self.clusters, self.weights)

    def less(self, other: "Column") -> Interval:
        """This figure less the other's, paired row by row. Raises ValueError if the rows are not the same."""
        if self.clusters != other.clusters or not np.array_equal(self.weights, other.weights):
            raise ValueError("the two models were scored on different rows: no paired difference")
        return interval(self.values - other.values, self.clusters, self.weights)


def _column(values: list[float], clusters: list[str], weights: list[float] | None = None) -> Column:
    return Column(
        np.asarray(values, dtype=np.float64),
        np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64),
        clusters,
    )


def columns(
    held_out: HeldOut, scores: ModelScores, base: ModelScores | None, parent: ModelScores | None
) -> dict[str, Column]:
    """Metric name -> column; metrics without a row are absent.

    `base` is None for the base itself, which has no implicit reward against itself; `parent` likewise.
    """
    found = {**_answer_columns(held_out, scores), **_likelihood_columns(held_out, scores)}
    clusters = [pair.cluster for pair in held_out.pairs]
    for name, reference in (("preference_accuracy", base), ("preference_over_parent", parent)):
        if reference is not None:
            wins = preferred(implicit_margins(scores.pairs, reference.pairs))
            found[name] = _column(wins, clusters)
    return {name: column for name, column in found.items() if len(column.values)}


def _answer_columns(held_out: HeldOut, scores: ModelScores) -> dict[str, Column]:
    rows = [
        (item, answer.text) for item, answer in zip(held_out.items, scores.generation.answers, strict=True)
    ]
    validity = [(item.cluster, json_validity(text, item.references)) for item, text in rows]
    valid = [(cluster, value) for cluster, value in validity if value is not None]
    clusters = [item.cluster for item, _ in rows]
    return {
        "exact_match": _column([exact_match(text, item.references) for item, text in rows], clusters),
        "token_f1": _column([token_f1(text, item.references) for item, text in rows], clusters),
        "json_validity": _column([value for _, value in valid], [cluster for cluster, _ in valid]),
    }


def _likelihood_columns(held_out: HeldOut, scores: ModelScores) -> dict[str, Column]:
    clusters = [item.cluster for item in held_out.items for _ in item.references]
    wins = preferred(likelihood_margins(scores.pairs))
    return {
        "log_perplexity": _column(
            [-found.total for found in scores.references],
            clusters,
            [float(found.tokens) for found in scores.references],
        ),
        "likelihood_accuracy": _column(wins, [pair.cluster for pair in held_out.pairs]),
    }


def figures(found: Mapping[str, Column]) -> dict[str, Interval]:
    """Metric name -> interval, with perplexity beside its logarithm."""
    intervals = {name: column.interval() for name, column in found.items()}
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


def compare(ours: Role, theirs: Role, table: Mapping[Role, Mapping[str, Column]]) -> Comparison:
    """Paired differences on every metric that both models have."""
    shared = [name for name in table[ours] if name in table[theirs]]
    differences = {name: table[ours][name].less(table[theirs][name]) for name in shared}
    primary = differences.get(PRIMARY)
    se = None if primary is None else primary.se
    return Comparison(
        ours=ours,
        theirs=theirs,
        differences=differences,
        minimum_detectable_effect=minimum_detectable_effect(se) if se else None,
        clusters_needed=None if primary is None else clusters_needed(primary),
    )
