"""What the labels of an epoch say: a win rate calibrated by people, and evidence that bets on each labelled pair."""

from collections.abc import Iterable, Sequence
from datetime import date
from statistics import fmean
from typing import Any

import pyarrow as pa

from rl_assets.evaluation.promotion.nights import NIGHTS, weigh_nights
from rl_assets.evaluation.review.labels import Label
from rl_assets.evaluation.schema.people import MIN_LABELS, People
from rl_assets.metrics.prediction_powered import calibrated_mean, labelled, unlabelled
from rl_assets.metrics.statistics import Interval

Row = dict[str, Any]


def people_of(rows: Sequence[Row], labels: Iterable[Label], threshold: float) -> People:
    """The labels of the epoch's pairs (rows of REVIEW_QUEUE); a cluster counts on the first night that asked it."""
    by_pair: dict[str, list[Label]] = {}
    for label in labels:
        by_pair.setdefault(label.pair_id, []).append(label)
    pairs = _first_of_each_cluster(rows)
    own = [row for row in pairs if row["drawn"] and row["pair_id"] in by_pair]
    values = [fmean(label.value for label in by_pair[row["pair_id"]]) for row in own]
    counted = [label for row in own for label in by_pair[row["pair_id"]]]
    newest = max((row["day"] for row in own), default=date.min)
    known = People(
        labels=len(own),
        raters=len({label.rater for label in counted}),
        newest=str(newest) if own else None,
        evidence=weigh_nights(_nights(own, values), newest, judged=False, threshold=threshold),
    )
    return known if len(own) < MIN_LABELS else _with_rates(known, own, values, pairs)


def _first_of_each_cluster(rows: Sequence[Row]) -> list[Row]:
    first: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: row["day"]):
        first.setdefault(row["cluster"], row)
    return list(first.values())


def _nights(rows: Sequence[Row], values: Sequence[float]) -> pa.Table:
    """The labelled pairs as rows of NIGHTS, each on the night that drew it."""
    bets = [
        {"day": row["day"], "cluster": row["cluster"], "difference": 2 * value - 1, "source": "fresh"}
        for row, value in zip(rows, values, strict=True)
    ]
    return pa.Table.from_pylist(bets, schema=NIGHTS)


def _with_rates(known: People, own: Sequence[Row], values: Sequence[float], pairs: Sequence[Row]) -> People:
    """With the calibrated win rate, and the judge's where it decided at least as many of the labelled pairs."""
    decided = [(row, value) for row, value in zip(own, values, strict=True) if row["judged"] is not None]
    if len(decided) < MIN_LABELS:
        everyone = labelled(values, [0.0] * len(values), [row["cluster"] for row in own])
        return known.model_copy(update={"rate": _share(calibrated_mean(everyone, unlabelled([], []))[0])})
    names = {row["pair_id"] for row in own}
    others = [row for row in pairs if row["judged"] is not None and row["pair_id"] not in names]
    both = labelled(
        [value for _, value in decided], [row["judged"] for row, _ in decided], [row["cluster"] for row, _ in decided]
    )
    alone = unlabelled([row["judged"] for row in others], [row["cluster"] for row in others])
    rate, weight = calibrated_mean(both, alone)
    judged = [row for row, _ in decided] + others
    verdicts = labelled([row["judged"] for row in judged], [0.0] * len(judged), [row["cluster"] for row in judged])
    return known.model_copy(
        update={
            "rate": _share(rate),
            "weight": weight,
            "judged": _share(calibrated_mean(verdicts, unlabelled([], []))[0]),
            "judged_only": len(others),
        }
    )


def _share(rate: Interval) -> Interval:
    """The interval within [0, 1]: a normal one may reach beyond."""
    mean, low, high = (None if end is None else min(1.0, max(0.0, end)) for end in (rate.mean, rate.low, rate.high))
    return Interval(mean or 0.0, low, high, rate.se, rate.n, rate.clusters)
