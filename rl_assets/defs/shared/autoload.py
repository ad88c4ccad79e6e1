"""Finds the definitions of a package, so that a new file needs no wiring. Works from a wheel too."""

import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
from dagster._core.definitions.partitions.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def autoload(package: ModuleType) -> dg.Definitions:
    """The definitions of its Python modules, and of its components (`defs.yaml`, as `dg scaffold defs` writes them)."""
    return dg.Definitions.merge(_of_modules(package), *_of_components(package))


def _of_components(package: ModuleType) -> list[dg.Definitions]:
    files = sorted(Path(package.__path__[0]).rglob("defs.yaml"))
    # An installed package has no project file and no component: those of its user lie in a separate project.
    tree = dg.ComponentTree.for_project(files[0]) if files else None
    return [tree.build_defs(file.parent) for file in files if tree]


def _of_modules(package: ModuleType) -> dg.Definitions:
    """Assets, jobs, schedules and sensors at the top level of its modules, each once."""
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
