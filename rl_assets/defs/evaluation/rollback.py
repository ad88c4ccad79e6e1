"""Taking a champion out of use: one job, started by a person. The work is `evaluation.promotion.champion`."""

import dagster as dg

from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.promotion.champion import roll_back


class RollbackConfig(dg.Config):
    """Why: it stands in champion.json, and in later decisions on the same weights."""

    reason: str


@dg.op
def point_to_the_champion_before(context: dg.OpExecutionContext, home: HomeResource, config: RollbackConfig) -> None:
    """Make the champion before the present one champion again; the present one will not be promoted any more."""
    try:
        taken, now = roll_back(home.paths, config.reason)
    except ValueError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    metadata = {"rolled_back": taken.adapter, "reason": taken.reason, "champion": now.adapter, "of": str(now.day)}
    context.log_event(dg.AssetObservation("promotion_decision", partition=str(taken.day), metadata=metadata))
    context.log.info(f"{taken.adapter} is out of use; the champion is {now.adapter} of {now.day}")


@dg.job(description="The adapter before the champion becomes champion again; give a reason in the configuration.")
def rollback_champion() -> None:
    point_to_the_champion_before()
