"""One tick of a sensor of ours, on a home of files."""

from pathlib import Path

import dagster as dg

from rl_assets.definitions import defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings


def tick(
    sensor: dg.SensorDefinition,
    home: Path,
    instance: dg.DagsterInstance,
    cursor: str | None = None,
    location: dg.Definitions = defs,
):
    resources = {"home": HomeResource.from_settings(Settings(home=home))}
    context = dg.build_sensor_context(instance, cursor=cursor, resources=resources, definitions=location)
    return sensor.evaluate_tick(context)
