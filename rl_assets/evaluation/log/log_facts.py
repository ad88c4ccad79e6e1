"""What a report tells from the log itself, as of a day: rewards, ratings of served answers, judges against people."""

from dataclasses import dataclass

import duckdb

from rl_assets.core import sql
from rl_assets.evaluation.log.logged_agreement import LoggedAgreement, logged_agreement
from rl_assets.evaluation.log.production_ratings import served_ratings
from rl_assets.evaluation.schema.sections import RewardBin, ServedRating

NO_AGREEMENT = LoggedAgreement(compared=0, judges=None, rated_by_three=0, people=None)


@dataclass(frozen=True)
class LogFacts:
    """Nothing, where no log is at hand."""

    rewards: tuple[RewardBin, ...] = ()
    served: tuple[ServedRating, ...] = ()
    agreement: LoggedAgreement = NO_AGREEMENT


NO_FACTS = LogFacts()


def log_facts(connection: duckdb.DuckDBPyConnection) -> LogFacts:
    """Everything that is told from `rated`, `interactions` and `first_feedback` as of a day."""
    return LogFacts(tuple(reward_bins(connection)), tuple(served_ratings(connection)), logged_agreement(connection))


def reward_bins(connection: duckdb.DuckDBPyConnection) -> list[RewardBin]:
    """Answers in tenths of the reward scale, by the source of the reward; counted by DuckDB, texts are not read."""
    rows = sql.select(connection, "evaluation/reward_histogram").fetchall()
    return [RewardBin(source=source, low=low, answers=answers) for source, low, answers in rows]
