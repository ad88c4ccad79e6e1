"""Logs of answers that arms gave, with their rewards, and the state that Dagster makes of them."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from rl_assets.defs.routing.bandit_state import bandit_state
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.routing.learned import LearnedShares, read_learned
from rl_assets.settings import Settings
from rl_assets.tables.bandit_state import BANDIT_STATE
from rl_assets_tests.support.logs import DAY, Product, Row, interaction
from rl_assets_tests.support.rated_days import rate

Rewards = Sequence[float | None]


def answered(arm: str, rewards: Rewards, day: date = DAY, hour: int = 10, **fields: Any) -> list[Row]:
    """Lines of `interaction_log`: an answer of the arm for each reward, which is a judge's; none if it is None."""
    agent, _, adapter = arm.partition("@")
    at = {"agent_type": agent, "adapter": adapter or None, "category": "maths", **fields}
    name = "-".join(str(value) for value in (arm, hour, *fields.values()))
    return [
        interaction(
            f"{name}-{number}",
            timestamp=f"{day}T{hour:02}:{number // 60:02}:{number % 60:02}Z",
            quality_scores={} if reward is None else {"overall": reward},
            **at,
        )
        for number, reward in enumerate(rewards)
    ]


def learn_day(
    product: Product, instance: dg.DagsterInstance, day: date = DAY, router: Path | None = None
) -> dg.ExecuteInProcessResult:
    """Rate a day of the log and materialize its `bandit_state`."""
    assert rate(product, instance, day).success
    return materialize_state(product, instance, day, router)


def materialize_state(
    product: Product, instance: dg.DagsterInstance, day: date = DAY, router: Path | None = None
) -> dg.ExecuteInProcessResult:
    """Materialize `bandit_state` of a day that is rated."""
    home = HomeResource.from_settings(Settings(home=product.landing.parent, router=router))
    return dg.materialize([bandit_state], instance=instance, resources={"home": home}, partition_key=str(day))


def state_of(product: Product, day: date = DAY) -> dict[tuple[str | None, str, str], Row]:
    """The rows of the day by segment, category and arm."""
    return {(row["segment"], row["category"], row["arm"]): row for row in product.rows(BANDIT_STATE, day)}


def learned_of(product: Product) -> LearnedShares:
    """The shares that are drawn by now."""
    learned = read_learned(Settings(home=product.landing.parent).paths)
    assert learned is not None
    return learned
