"""The asset that puts learned shares in force. The work is done in `rl_assets.serving.share_updates`."""

import os

import dagster as dg

from rl_assets.defs.routing.bandit_state import bandit_state
from rl_assets.defs.serving.served_champion import POOL, served_champion
from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.permanent_errors import without_retries
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.drivers.protocol import ServerError
from rl_assets.serving.replicas import UnreachableError, make_replicas
from rl_assets.serving.share_updates import ShareUpdate, changed_rows, update_shares

SHARES_ARE_LEARNED = "shares_are_learned"


@dg.asset(
    deps=[bandit_state, served_champion],
    group_name="routing",
    kinds={"json"},
    owners=MODEL_TEAM,
    pool=POOL,
    check_specs=[
        dg.AssetCheckSpec(
            SHARES_ARE_LEARNED,
            asset="routing_table",
            description="Arms are drawn by the newest shares that the router learned.",
        )
    ],
)
def routing_table(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """The shares of `serving/routing.json` as the router learned them, over the arms that are served; no arm changes.

    Shares that the serving file fixes stand. The gateway and `/rl/route` draw by the new ones within a second.
    """
    serving = home.serving_file()
    with without_retries():
        try:
            replicas = make_replicas(serving, os.environ, make_driver)
            update = update_shares(home.paths, serving, replicas, home.declared_router())
        except (UnreachableError, ServerError) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
    context.log.info(update.problem or f"routing.json is version {update.version}")
    return dg.MaterializeResult(
        metadata={
            "changed": update.changed,
            **({"version": update.version} if update.version else {}),
            **({"learned_as_of": update.learned_day} if update.learned_day else {}),
            "shares": markdown_table(changed_rows(update.before, update.shares)),
            "notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in update.notes) or "nothing"),
        },
        check_results=[_check(update)],
    )


def _check(update: ShareUpdate) -> dg.AssetCheckResult:
    """Yellow if arms are drawn by other shares than the learned ones."""
    return dg.AssetCheckResult(
        check_name=SHARES_ARE_LEARNED,
        passed=update.problem is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=update.problem,
        metadata={"notes": len(update.notes)},
    )
