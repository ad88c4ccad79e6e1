"""Estimates: raw scores -> columns of one metric each -> intervals, and paired differences between two models."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from rl_assets.evaluation.run.columns import QUALITY_TOKENS, AnyColumn, Column, RateColumn, paired_difference
from rl_assets.evaluation.run.generate import Divergences, EvalOutputs, EvalPrompts, ModelScores, PromptSet
from rl_assets.evaluation.run.inputs import Item
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.evaluation.run.repeats import repeated_answers
from rl_assets.evaluation.schema.report import Comparison, Role
from rl_assets.features.text_flags import refusals
from rl_assets.metrics.bleu import BleuColumn, counter, sentence_counts
from rl_assets.metrics.rouge import KINDS as ROUGE
from rl_assets.metrics.rouge import rouge
from rl_assets.metrics.statistics import (
    Interval,
    clusters_needed,
    minimum_detectable_effect,
)
from rl_assets.metrics.structured import field_f1
from rl_assets.metrics.text import exact_match, json_validity, same_answer, token_f1
from rl_assets.metrics.verifiers import solves
from rl_assets.models.generation import Answer
from rl_assets.models.log_probabilities import implicit_margins, likelihood_margins, preferred

Row = tuple[Item, str]
ItemMetric = Callable[[Item, str], float | None]
COMPARED: tuple[tuple[Role, Role], ...] = (
    ("candidate", "base"),
    ("candidate", "parent"),
    ("candidate", "champion"),
    ("entrant", "base"),
    ("entrant", "champion"),
    ("parent", "base"),
    ("parent", "champion"),
)


@dataclass(frozen=True)
class EvalScores:
    """The models, their prompts, and their outputs by the hash of their weights; estimates are by role.

    `level` is the metric that slices and sample sizes are about.
    """

    models: EvaluatedModels
    prompts: EvalPrompts
    outputs: Mapping[str, EvalOutputs]
    level: str

    @property
    def held_out(self) -> PromptSet:
        """The held-out items and pairs."""
        return self.prompts.held_out

    @cached_property
    def _by_role(self) -> dict[Role, EvalOutputs]:
        return {role: self.outputs[self.models.weights(adapter)] for role, adapter in self.models.roles().items()}

    @cached_property
    def by_role(self) -> dict[Role, ModelScores]:
        """Raw scores on the held-out set."""
        return {role: outputs.held_out for role, outputs in self._by_role.items()}

    def on_benchmark(self, name: str) -> dict[Role, ModelScores]:
        """Raw scores on a benchmark."""
        return {role: outputs.benchmarks[name] for role, outputs in self._by_role.items()}

    def fresh_of(self, role: Role) -> ModelScores | None:
        """Answers to the fresh prompts; None for a role that the decision does not compare."""
        return self._by_role[role].fresh

    def divergences_of(self, role: Role) -> Divergences | None:
        """Divergences of its own answers from the base; None for the base, and where the metric needs none."""
        return self._by_role[role].divergences

    @cached_property
    def columns(self) -> dict[Role, dict[str, AnyColumn]]:
        """Columns by role and metric."""
        return {role: self._columns(role) for role in self.by_role}

    def _columns(self, role: Role) -> dict[str, AnyColumn]:
        return metric_columns(
            self.held_out,
            self.by_role[role],
            base=None if role == "base" else self.by_role["base"],
            parent=self.by_role.get("parent") if role == "candidate" else None,
        )

    def comparisons(self) -> dict[str, Comparison]:
        """Every two roles that are compared, as "ours-theirs"."""
        return {
            f"{ours}-{theirs}": compare(ours, theirs, self.columns, self.level)
            for ours, theirs in COMPARED
            if ours in self.columns and theirs in self.columns
        }


def metric_columns(
    prompts: PromptSet, scores: ModelScores, base: ModelScores | None, parent: ModelScores | None
) -> dict[str, AnyColumn]:
    """Metric name -> column; metrics without a row are absent.

    `base` is None for the base itself, which has no implicit reward against itself; `parent` likewise.
    """
    columns = {**answer_columns(prompts, scores), **_likelihood_columns(prompts, scores)}
    clusters = [pair.cluster for pair in prompts.pairs]
    for name, reference in (("preference_accuracy", base), ("preference_over_parent", parent)):
        if reference is not None:
            columns[name] = _column(preferred(implicit_margins(scores.pairs, reference.pairs)), clusters)
    return {name: column for name, column in columns.items() if len(column)}


def answer_columns(prompts: PromptSet, scores: ModelScores) -> dict[str, AnyColumn]:
    """Columns of the generated answers; BLEU and ROUGE if references are prose, field F1 if JSON."""
    answers = zip(prompts.items, scores.generation.answers, strict=True)
    rows = [(item, answer.text) for item, answer in answers]
    known = [row for row in rows if row[0].references]
    return {
        **{name: _scored(rows, metric) for name, metric in ITEM_METRICS.items()},
        "rejection_rate": _scored(rows, _is_rejected),
        **{name: behaviour_column(name, prompts.items, scores.generation.answers) for name in BEHAVIOURS},
        "quality_per_token": _quality_per_token(prompts, scores),
        **_prose_columns([row for row in known if json_validity("", row[0].references) is None]),
    }


def _column(values: Sequence[float], clusters: list[str], weights: Sequence[float] | None = None) -> Column:
    """A column of parallel rows: of values that weigh as given, or of shares in [0, 1]."""
    return Column(
        np.asarray(values, dtype=np.float64),
        np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64),
        clusters,
        share=weights is None,
    )


def _scored(rows: Sequence[Row], metric: ItemMetric) -> Column:
    """The column of the rows for which the metric has a value."""
    scored = [(metric(item, text), item.cluster) for item, text in rows]
    kept = [(value, cluster) for value, cluster in scored if value is not None]
    return _column([value for value, _ in kept], [cluster for _, cluster in kept])


def _task_success(item: Item, text: str) -> float | None:
    if item.verifier is None:
        return None
    return solves(text, item.references, item.verifier, item.schema)


def _by_references(metric: Callable[[str, Sequence[str]], float | None]) -> ItemMetric:
    """A metric of one answer; None without references."""
    return lambda item, text: metric(text, item.references) if item.references else None


# Metrics of one answer alone, in [0, 1]; None where the item does not have what they need.
ITEM_METRICS: dict[str, ItemMetric] = {
    "exact_match": _by_references(exact_match),
    "token_f1": _by_references(token_f1),
    "json_validity": _by_references(json_validity),
    "field_f1": _by_references(field_f1),
    "task_success": _task_success,
}


def _unfinished(items: Sequence[Item], answers: Sequence[Answer]) -> Sequence[float]:
    return [float(not answer.finished) for answer in answers]


def _refusals(items: Sequence[Item], answers: Sequence[Answer]) -> Sequence[float]:
    return [float(value) for value in refusals(pa.array([answer.text for answer in answers], pa.string())).to_pylist()]


def _repeated(items: Sequence[Item], answers: Sequence[Answer]) -> Sequence[float]:
    repeated = repeated_answers([answer.text for answer in answers], [item.counted_as for item in items])
    return [float(value) for value in repeated]


# Metrics of every answer, whatever its item has, in [0, 1]; the last looks at all answers together.
BEHAVIOURS = {"unfinished_answers": _unfinished, "refusals": _refusals, "repeated_answers": _repeated}


def behaviour_column(name: str, items: Sequence[Item], answers: Sequence[Answer]) -> Column:
    """The column of one of BEHAVIOURS."""
    return _column(BEHAVIOURS[name](items, answers), [item.cluster for item in items])


def _is_rejected(item: Item, text: str) -> float | None:
    """Whether the answer equals a rejected one; None if the item has none."""
    return float(any(same_answer(text, rejected) for rejected in item.rejected)) if item.rejected else None


def _quality_per_token(prompts: PromptSet, scores: ModelScores) -> RateColumn:
    """Exact matches over the tokens of the answers."""
    answered = zip(prompts.items, scores.generation.answers, strict=True)
    rows = [(item, answer) for item, answer in answered if item.references]
    return RateColumn(
        np.asarray([QUALITY_TOKENS * exact_match(answer.text, item.references) for item, answer in rows], np.float64),
        np.asarray([answer.tokens for _, answer in rows], dtype=np.float64),
        [item.cluster for item, _ in rows],
    )


def _prose_columns(rows: Sequence[Row]) -> dict[str, AnyColumn]:
    if not rows:
        return {}
    clusters = [item.cluster for item, _ in rows]
    scores = [rouge(text, item.references) for item, text in rows]
    bleu = counter()
    counts = [sentence_counts(bleu, text, item.references) for item, text in rows]
    return {
        **{kind: _column([score[kind] for score in scores], clusters) for kind in ROUGE},
        "bleu": BleuColumn(np.asarray(counts), clusters),
    }


def _likelihood_columns(prompts: PromptSet, scores: ModelScores) -> dict[str, AnyColumn]:
    clusters = [item.cluster for item in prompts.items for _ in item.references]
    losses = [-score.total for score in scores.references]
    tokens = [float(score.tokens) for score in scores.references]
    wins = preferred(likelihood_margins(scores.pairs))
    return {
        "log_perplexity": _column(losses, clusters, tokens),
        "likelihood_accuracy": _column(wins, [pair.cluster for pair in prompts.pairs]),
    }


def intervals(columns: Mapping[str, AnyColumn]) -> dict[str, Interval]:
    """Metric name -> interval, with perplexity next to its logarithm."""
    by_metric = {name: column.interval() for name, column in columns.items()}
    return by_metric | (
        {"perplexity": _exponential(by_metric["log_perplexity"])} if "log_perplexity" in by_metric else {}
    )


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


def compare(ours: Role, theirs: Role, columns: Mapping[Role, Mapping[str, AnyColumn]], level: str) -> Comparison:
    """Paired differences on every metric that both models have; what the sample can show is told of `level`."""
    shared = [name for name in columns[ours] if name in columns[theirs]]
    differences = {name: paired_difference(columns[ours][name], columns[theirs][name]) for name in shared}
    return Comparison(ours=ours, theirs=theirs, differences=differences, **sample_size(differences.get(level)))


def sample_size(difference: Interval | None) -> dict[str, Any]:
    """The difference that such a sample can show, and the clusters that it takes to show this one."""
    se = None if difference is None else difference.se
    return {
        "minimum_detectable_effect": minimum_detectable_effect(se) if se else None,
        "clusters_needed": None if difference is None else clusters_needed(difference),
    }
