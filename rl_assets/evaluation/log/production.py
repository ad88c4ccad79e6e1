"""What the log says as of a day: rewards by source, human ratings of served adapters, judges against people.

The connections hold `rated`, `interactions` and `first_feedback`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from rl_assets.core import sql
from rl_assets.evaluation.schema.report import LoggedAgreement, Production, ProductionRating, RewardBin
from rl_assets.metrics.agreement import Alignment, alignment, human_agreement, majority
from rl_assets.metrics.stratified import Stratum, clipped_to_unit, stratified, stratified_difference

UNNAMED = ""
RATERS = 3
MAX_ANSWERS_PER_PROMPT = 8
MAX_PAIRS = 50_000


def production_metrics(connection: duckdb.DuckDBPyConnection) -> Production:
    """Everything that a report takes from the log."""
    return Production(
        rewards=reward_bins(connection),
        ratings=production_ratings(connection),
        agreement=logged_agreement(connection),
    )


def reward_bins(connection: duckdb.DuckDBPyConnection) -> list[RewardBin]:
    """Answers in tenths of the reward scale, by the source of the reward; counted by DuckDB, no text is read."""
    rows = sql.select(connection, "evaluation/reward_histogram").fetchall()
    return [RewardBin(source=source, low=low, answers=answers) for source, low, answers in rows]


def production_ratings(connection: duckdb.DuckDBPyConnection) -> list[ProductionRating]:
    """One row per segment and adapter, answers of no named adapter first; a question is the unit."""
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
) -> ProductionRating:
    own = _strata(rows, "")
    return ProductionRating(
        segment=segment,
        adapter=adapter or None,
        questions=sum(row["n"] for row in rows),
        rating=clipped_to_unit(stratified(own)),
        improvement=stratified_difference(own, _strata(unnamed, "")) if adapter != UNNAMED else None,
        rejection_rate=clipped_to_unit(stratified(_strata(rows, "rejected_"))),
    )


def _strata(rows: Sequence[Mapping[str, Any]], prefix: str) -> list[Stratum]:
    return [
        Stratum(row["category"], row["mix"], row["n"], row[f"{prefix}mean"], row[f"{prefix}variance"]) for row in rows
    ]


def logged_agreement(connection: duckdb.DuckDBPyConnection) -> LoggedAgreement:
    """Agreement over pairs of answers to one prompt, clustered by prompt; of more than three raters the first three.

    At most 50,000 pairs are read.
    """
    votes = sql.select(
        connection, "evaluation/judge_human_votes", max_answers=MAX_ANSWERS_PER_PROMPT, max_pairs=MAX_PAIRS
    ).to_arrow_table()
    rows = votes.to_pylist()
    both = [row for row in rows if row["people"] and row["judges"]]
    rated = [row for row in rows if len(row["named"] or ()) >= RATERS]
    return LoggedAgreement(
        compared=len(both),
        judges=_judges_with_people(both) if both else None,
        rated_by_three=len(rated),
        people=human_agreement([row["named"][:RATERS] for row in rated], _clusters(rated)) if rated else None,
    )


def _judges_with_people(rows: Sequence[dict[str, Any]]) -> Alignment:
    judges, people = ([majority(row[side]) for row in rows] for side in ("judges", "people"))
    return alignment(judges, people, _clusters(rows))


def _clusters(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["prompt_key"] for row in rows]
