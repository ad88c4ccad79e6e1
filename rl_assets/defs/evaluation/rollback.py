"""The job that rolls a champion back, started by hand. The work is done in `evaluation.promotion.champion`."""

import dagster as dg

from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.promotion.champion import roll_back


class RollbackConfig(dg.Config):
    """Whose champion is rolled back (the product's, or that of `segment`), and the reason, which is kept in the file of
    the champion and quoted by later decisions on the same weights."""

    reason: str
    segment: str | None = None


@dg.op
def restore_previous_champion(context: dg.OpExecutionContext, home: HomeResource, config: RollbackConfig) -> None:
    """Restore the previous champion; the current one will not be promoted again."""
    try:
        removed, now = roll_back(home.paths, config.reason, config.segment)
    except ValueError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    metadata = {"rolled_back": removed.adapter, "reason": removed.reason, "champion": now.adapter, "of": str(now.day)}
    asset = f"{config.segment}_decision" if config.segment else "promotion_decision"
    context.log_event(dg.AssetObservation(asset, partition=str(removed.day), metadata=metadata))
    context.log.info(f"{removed.adapter} is rolled back; the champion is {now.adapter} of {now.day}")


@dg.job(description="Restores the previous champion; give a reason in the configuration.")
def rollback_champion() -> None:
    restore_previous_champion()
