"""The sensor that requests a rollout. What makes one due is `rl_assets.serving.watch`."""

import os
from datetime import UTC, datetime

import dagster as dg

from rl_assets.defs.serving.served_champion import serve
from rl_assets.defs.shared.partitions import SENSOR_SECONDS
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.drivers.protocol import ServerError
from rl_assets.serving.replicas import UnreachableError, make_replicas
from rl_assets.serving.watch import rollout_due


@dg.sensor(
    job=serve,
    minimum_interval_seconds=SENSOR_SECONDS,
    description="Serves a new champion or canary, puts newly learned shares in force, and loads again what a restarted "
    "server has lost.",
)
def champion_changed(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.RunRequest | dg.SkipReason:
    """One run per change: the run key is what is to be served, what is served, and what a server lacks.

    An adapter that an endpoint was refused with is not requested again until either changes.
    """
    serving = home.serving_file()
    try:
        replicas = make_replicas(serving, os.environ, make_driver)
        found = rollout_due(home.paths, serving, replicas, datetime.now(UTC), home.declared_router())
    except (UnreachableError, ServerError) as error:
        return dg.SkipReason(str(error))
    if not found.due:
        return dg.SkipReason(found.why)
    context.log.info(found.why)
    return dg.RunRequest(run_key=found.key)
