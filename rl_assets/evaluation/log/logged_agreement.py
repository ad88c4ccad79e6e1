"""How far the judges in the logs agree with people, and people among themselves, as of a day."""

from collections.abc import Sequence
from typing import Any

import duckdb

from rl_assets.core import sql
from rl_assets.core.record import Record
from rl_assets.metrics.agreement import Alignment, HumanAgreement, alignment, human_agreement, majority

RATERS = 3
MOST_ANSWERS = 8
MOST_PAIRS = 50_000


class LoggedAgreement(Record):
    """`judges` compares the majority of the judges with that of people, on `compared` pairs of answers that both
    judged. `people` is the agreement of three raters on the `rated_by_three` pairs that have as many.

    Each is None without such a pair.
    """

    compared: int
    judges: Alignment | None
    rated_by_three: int
    people: HumanAgreement | None


def logged_agreement(connection: duckdb.DuckDBPyConnection) -> LoggedAgreement:
    """Agreement over pairs of answers to one prompt, clustered by prompt; of more than three raters the first three.

    The connection holds `rated`, `interactions` and `first_feedback`. At most 50,000 pairs are read.
    """
    found = sql.select(connection, "evaluation/judge_human_votes", most_answers=MOST_ANSWERS, most_pairs=MOST_PAIRS)
    rows = found.to_arrow_table().to_pylist()
    both = [row for row in rows if row["people"] and row["judges"]]
    rated = [row for row in rows if len(row["named"] or ()) >= RATERS]
    return LoggedAgreement(
        compared=len(both),
        judges=_judges(both) if both else None,
        rated_by_three=len(rated),
        people=human_agreement([row["named"][:RATERS] for row in rated], _clusters(rated)) if rated else None,
    )


def _judges(rows: Sequence[dict[str, Any]]) -> Alignment:
    judges, people = ([majority(row[side]) for row in rows] for side in ("judges", "people"))
    return alignment(judges, people, _clusters(rows))


def _clusters(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["prompt_key"] for row in rows]
