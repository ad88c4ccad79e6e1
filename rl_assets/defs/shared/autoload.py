"""Finds what the modules of `rl_assets.defs` define, so that a new file needs no wiring. Works from a wheel too."""

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import Any

import dagster as dg
from dagster._core.definitions.partitions.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def autoload(package: ModuleType) -> dg.Definitions:
    """Assets, jobs, schedules and sensors at the top level of the package's modules, each once."""
    names = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    values = {id(value): value for name in names for value in vars(import_module(name)).values()}

    def of_type(*types: type) -> list[Any]:
        return [value for value in values.values() if isinstance(value, types)]

    return dg.Definitions(
        assets=of_type(dg.AssetsDefinition),
        jobs=of_type(dg.JobDefinition, UnresolvedAssetJobDefinition),
        schedules=of_type(dg.ScheduleDefinition, UnresolvedPartitionedAssetScheduleDefinition),
        sensors=of_type(dg.SensorDefinition),
    )
