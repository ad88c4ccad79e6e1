"""The asset that serves the champion, and its job. The work is done in `rl_assets.serving`, from `rollout` on."""

import json
import os
from functools import partial
from typing import Any

import dagster as dg

from rl_assets.core.home import Home
from rl_assets.defs.evaluation.decisions import promotion_decision
from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.owners import MODEL_TEAM
from rl_assets.defs.shared.permanent_errors import without_retries
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.models.base_models import ensure_base_model
from rl_assets.serving.checks import ServingChecks
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.drivers.protocol import ServerError
from rl_assets.serving.gateway_probe import GatewayProbe
from rl_assets.serving.refused import forget_refusals
from rl_assets.serving.replicas import UnreachableError, make_replicas
from rl_assets.serving.rollout import Outcome, Rollout, RolloutError
from rl_assets.serving.routing import Routing, read_routing
from rl_assets.settings import load_settings

# One rollout at a time, over all runs.
POOL = "serving"


class ServedChampionConfig(dg.Config):
    """With `retry_refused`, adapters are tried again that an endpoint was refused with before."""

    retry_refused: bool = False


@dg.asset(
    deps=[promotion_decision],
    group_name="serving",
    kinds={"json", "huggingface"},
    owners=MODEL_TEAM,
    pool=POOL,
)
def served_champion(
    context: dg.AssetExecutionContext, home: HomeResource, config: ServedChampionConfig
) -> dg.MaterializeResult:
    """The champion behind an endpoint, with a canary's share if one is asked for, proven to be what was evaluated.

    Its answers are compared with those of the same weights here before `routing.json` names it, and asked for through
    the gateway after. If anything differs, what was served before stays or comes back, and the run fails.
    """
    paths = home.paths
    if config.retry_refused:
        forget_refusals(paths)
    with without_retries():
        try:
            outcome = _rollout(context, home, paths).run()
        except (UnreachableError, RolloutError) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        except ServerError as error:
            raise dg.Failure(f"A server stopped answering: {error}", allow_retries=False) from error
    for note in outcome.notes:
        context.log.info(note)
    return dg.MaterializeResult(metadata=_metadata(paths, outcome))


def _rollout(context: dg.AssetExecutionContext, home: HomeResource, paths: Home) -> Rollout:
    serving = home.serving_file()
    replicas = make_replicas(serving, os.environ, make_driver)
    find_base = partial(ensure_base_model, home.base_model, paths.models, context.log.info)
    gateway = GatewayProbe(home.gateway_url.rstrip("/"), load_settings().gateway_token)
    checks = ServingChecks(paths, find_base, os.environ, gateway, context.log.info)
    return Rollout(paths, serving, replicas, checks, context.log.info, router=home.declared_router())


def _metadata(paths: Home, outcome: Outcome) -> dict[str, Any]:
    """What is served now, and what the checks measured."""
    routing = read_routing(paths)
    served = next((arm.adapter for arm in routing.arms.values() if arm.role == "champion"), None) if routing else None
    return {
        "version": outcome.version,
        "changed": outcome.changed,
        "champion": served or "none: the base answers",
        "arms": _arms_table(routing),
        "loaded": ", ".join(outcome.loaded) or "nothing",
        "unloaded": ", ".join(outcome.unloaded) or "nothing",
        "notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in outcome.notes) or "none"),
        "checks": dg.MetadataValue.json(json.loads(json.dumps(outcome.figures))),
        **_largest_distance(outcome),
    }


def _largest_distance(outcome: Outcome) -> dict[str, float]:
    """The largest distance of a served adapter from its own weights, which plots over versions."""
    found = [figures.get("identity", {}).get("distance_at_1") for figures in outcome.figures.values()]
    values = [float(value) for value in found if value is not None]
    return {"distance_nats_per_token": max(values)} if values else {}


def _arms_table(routing: Routing | None) -> dg.MarkdownMetadataValue:
    if routing is None:
        return markdown_table([])
    shares = routing.shares_of(None, None)
    rows = [
        {"arm": name, "role": arm.role, "endpoint": arm.endpoint, "share": f"{shares.get(name, 0.0):.2f}"}
        for name, arm in routing.arms.items()
    ]
    return markdown_table(rows)


serve = dg.define_asset_job(
    "serve",
    # By name: routing_table lies with the router, which depends on this folder.
    selection=dg.AssetSelection.assets(served_champion, "routing_table"),
    description="Serves the champion, once its answers are shown to be those that were evaluated, and then puts the "
    "shares in force that the router has learned.",
)
