"""What people said of the answers that adapters served, by the log: rating, improvement, and how many were rejected."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from rl_assets.core import sql
from rl_assets.evaluation.ab.strata import Stratum, in_unit, less, stratified
from rl_assets.evaluation.schema.sections import ServedRating

UNNAMED = ""


def served_ratings(connection: duckdb.DuckDBPyConnection) -> list[ServedRating]:
    """A row a segment and adapter, answers of no named adapter first; a question is the unit.

    The connection holds `rated`, `interactions` and `first_feedback` as of a day.
    """
    segments: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in sql.select(connection, "evaluation/production_ratings").to_arrow_table().to_pylist():
        segments[row["segment"]][row["adapter"]].append(row)
    return [
        _rating(segment, adapter, rows, adapters.get(UNNAMED, []))
        for segment, adapters in segments.items()
        for adapter, rows in adapters.items()
    ]


def _rating(
    segment: str, adapter: str, rows: Sequence[Mapping[str, Any]], unnamed: Sequence[Mapping[str, Any]]
) -> ServedRating:
    own = _strata(rows, "")
    return ServedRating(
        segment=segment,
        adapter=adapter or None,
        questions=sum(row["n"] for row in rows),
        rating=in_unit(stratified(own)),
        improvement=less(own, _strata(unnamed, "")) if adapter != UNNAMED else None,
        rejection_rate=in_unit(stratified(_strata(rows, "rejected_"))),
    )


def _strata(rows: Sequence[Mapping[str, Any]], figure: str) -> list[Stratum]:
    return [
        Stratum(row["category"], row["mix"], row["n"], row[f"{figure}mean"], row[f"{figure}variance"]) for row in rows
    ]
