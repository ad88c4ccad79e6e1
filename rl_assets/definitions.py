"""The only wiring: every asset, job and schedule with its resources. No logic, and nothing is read or written here."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from rl_assets.defs import accounts, adapters, datasets, executors, ingest, jobs, ratings, reports, schedules, sensors
from rl_assets.defs.resources import HomeResource
from rl_assets.settings import load_settings


def build_defs(
    resources: Mapping[str, Any] | None = None, executor: dg.ExecutorDefinition | None = None
) -> dg.Definitions:
    """All definitions; resources and executor are those of the settings where they are not given."""
    settings = load_settings()
    return dg.Definitions(
        assets=dg.load_assets_from_modules([ingest, ratings, datasets, accounts, adapters, reports]),
        jobs=jobs.jobs,
        schedules=schedules.schedules,
        sensors=sensors.sensors,
        resources={"home": HomeResource.of(settings), **(resources or {})},
        executor=executor or executors.executor(settings.executor),
    )


defs = build_defs()
