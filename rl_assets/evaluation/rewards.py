"""How the rewards of the rated answers are spread, as of a day."""

from datetime import date

from rl_assets import sql
from rl_assets.datasets.ratings import RATED_INTERACTIONS
from rl_assets.evaluation.sections import RewardBin
from rl_assets.lake import Lake


def reward_bins(lake: Lake, day: str, memory_limit: str) -> list[RewardBin]:
    """Answers in tenths of the reward scale, by the source of the reward; counted by DuckDB, texts are not read."""
    connection = sql.connect(memory_limit)
    connection.register("rated", lake.read(RATED_INTERACTIONS, [date.fromisoformat(day)]))
    rows = sql.select(connection, "reward_bins").fetchall()
    return [RewardBin(source=source, low=low, answers=answers) for source, low, answers in rows]
