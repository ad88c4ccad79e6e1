"""What guardrails read of two models: their answers to every prompt of the night, of the test split and fresh ones.

Guardrails only ever block a promotion, so they may look at prompts that earlier nights have looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rl_assets.evaluation.run.estimates import BEHAVIOURS, ITEM_METRICS, EvalScores, behaviour_column
from rl_assets.evaluation.run.inputs import Item
from rl_assets.evaluation.run.repeats import repeated_answers
from rl_assets.evaluation.schema.report import Comparison, Role
from rl_assets.llm.prices import Price
from rl_assets.metrics.statistics import Interval, interval
from rl_assets.models.generation import Answer

BY_REFERENCE = ("token_f1", "json_validity")
REPEATED = "repeated_answers"


@dataclass(frozen=True)
class Answered:
    """Items, and the answers of two models to each."""

    items: Sequence[Item]
    ours: Sequence[Answer]
    theirs: Sequence[Answer]

    @property
    def clusters(self) -> list[str]:
        """The cluster of each item, which counts once."""
        return [item.counted_as for item in self.items]


def with_guarded(scores: EvalScores, price: Price | None) -> dict[str, Comparison]:
    """The comparisons, each with what guardrails read."""
    return {
        name: compared.model_copy(
            update={
                "guarded": guarded_values(answered_by_both(scores, compared.ours, compared.theirs), price)
                | divergence_values(scores, compared.ours, compared.theirs)
            }
        )
        for name, compared in scores.comparisons().items()
    }


def answered_by_both(scores: EvalScores, ours: Role, theirs: Role) -> Answered:
    """The test split, and the fresh prompts if both answered them."""
    own, other = (scores.by_role[role].generation.answers for role in (ours, theirs))
    fresh, compared = scores.fresh_of(ours), scores.fresh_of(theirs)
    if fresh is None or compared is None:
        return Answered(scores.held_out.items, own, other)
    return Answered(
        [*scores.held_out.items, *scores.prompts.fresh.items],
        [*own, *fresh.generation.answers],
        [*other, *compared.generation.answers],
    )


def guarded_values(answered: Answered, price: Price | None) -> dict[str, Interval]:
    """Differences ours - theirs of shares in [0, 1], and the ratios `cost` and `length` ours / theirs, by cluster.

    A value is missing if no item has what it needs. Without a price of the base, the cost is counted in new tokens.
    """
    if not answered.items:
        return {}
    differences = {name: _by_reference(name, answered) for name in BY_REFERENCE}
    differences |= {name: _behaviour(name, answered) for name in BEHAVIOURS if name != REPEATED}
    ratios = {
        "cost": _ratio(answered, [[_cost(answer, price) for answer in side] for side in _sides(answered)]),
        "length": _ratio(answered, [[float(len(answer.text)) for answer in side] for side in _sides(answered)]),
    }
    found = differences | {REPEATED: _more_repeated(answered)} | ratios
    return {name: value for name, value in found.items() if value is not None}


def divergence_values(scores: EvalScores, ours: Role, theirs: Role) -> dict[str, Interval]:
    """`kl`, how far ours is from the base on its own answers in nats, and `kl_ratio`, ours / theirs.

    The ratio is over prompts that both answered; an answer that the base finds likelier counts as 0 there.
    """
    own, other = _divergences(scores, ours), _divergences(scores, theirs)
    if not own:
        return {}
    items = {"test": scores.held_out.items, "fresh": scores.prompts.fresh.items}
    clusters = {(source, row): items[source][row].counted_as for source, row in own}
    found = {"kl": interval(list(own.values()), list(clusters.values()))}
    both = [key for key in own if key in other]
    tops, bottoms = ([max(0.0, side[key]) for key in both] for side in (own, other))
    return found | ({"kl_ratio": interval(tops, [clusters[key] for key in both], bottoms)} if sum(bottoms) else {})


def _divergences(scores: EvalScores, role: Role) -> dict[tuple[str, int], float]:
    """The divergence of each of a role's answers, by the set and the row of its prompt."""
    found = scores.divergences_of(role)
    parts = {"test": found.held_out, "fresh": found.fresh or []} if found else {}
    return {
        (source, row): value
        for source, values in parts.items()
        for row, value in enumerate(values)
        if value is not None
    }


def _sides(answered: Answered) -> tuple[Sequence[Answer], Sequence[Answer]]:
    return answered.ours, answered.theirs


def _by_reference(name: str, answered: Answered) -> Interval | None:
    metric = ITEM_METRICS[name]
    rows = [
        (own - other, item.counted_as)
        for item, ours, theirs in zip(answered.items, *_sides(answered), strict=True)
        if (own := metric(item, ours.text)) is not None and (other := metric(item, theirs.text)) is not None
    ]
    return _difference([value for value, _ in rows], [cluster for _, cluster in rows]) if rows else None


def _behaviour(name: str, answered: Answered) -> Interval:
    ours, theirs = (behaviour_column(name, answered.items, side) for side in _sides(answered))
    return _difference((ours.values - theirs.values).tolist(), answered.clusters)


def _more_repeated(answered: Answered) -> Interval:
    """How much more often ours repeats itself than theirs does, or than the references do, whichever do it more.

    Questions may share their right answer ("In aisle 4."), so a model that has learned them repeats itself rightly.
    """
    ours, theirs = (behaviour_column(REPEATED, answered.items, side) for side in _sides(answered))
    expected = _repeated_references(answered.items)
    usual = theirs.values.tolist() if theirs.values.mean() >= sum(expected) / len(expected) else expected
    return _difference([own - other for own, other in zip(ours.values, usual, strict=True)], answered.clusters)


def _repeated_references(items: Sequence[Item]) -> list[float]:
    """For each item whether one of its references repeats one of another cluster."""
    rows = [(row, reference) for row, item in enumerate(items) for reference in item.references]
    repeated = repeated_answers([text for _, text in rows], [items[row].counted_as for row, _ in rows])
    kept = {row for (row, _), alike in zip(rows, repeated, strict=True) if alike}
    return [float(row in kept) for row in range(len(items))]


def _difference(values: Sequence[float], clusters: Sequence[str]) -> Interval:
    return interval(values, clusters, against_zero=True)


def _cost(answer: Answer, price: Price | None) -> float:
    return price.usd(answer.prompt_tokens, answer.tokens) if price else float(answer.tokens)


def _ratio(answered: Answered, values: Sequence[Sequence[float]]) -> Interval | None:
    """The ratio of two sums, the same clusters drawn for both; None if the lower one is 0."""
    ours, theirs = values
    return interval(ours, answered.clusters, theirs) if sum(theirs) > 0 else None
