"""The code location: everything in `rl_assets.defs` with its resources. No logic; nothing is read or written here."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from rl_assets import defs as package
from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.defs.annotation.teacher import TeacherResource
from rl_assets.defs.segments.component import segments_of_file
from rl_assets.defs.shared.autoload import autoload
from rl_assets.defs.shared.automation import with_automation
from rl_assets.defs.shared.presentation import presented
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.instance.executors import make_executor
from rl_assets.recipes.segments import read_segments
from rl_assets.settings import load_settings


def build_defs(
    resources: Mapping[str, Any] | None = None, executor: dg.ExecutorDefinition | None = None
) -> dg.Definitions:
    """All definitions; resources and executor are those of the settings unless they are given."""
    settings = load_settings()
    loaded = dg.Definitions.merge(autoload(package), segments_of_file(read_segments(settings.segments)))
    shown = presented(asset for asset in loaded.assets or () if isinstance(asset, dg.AssetsDefinition))
    return dg.Definitions(
        assets=with_automation(shown) if settings.automation else shown,
        jobs=loaded.jobs,
        schedules=loaded.schedules,
        sensors=loaded.sensors,
        resources={
            "home": HomeResource.from_settings(settings),
            "judge": JudgeResource.from_settings(settings),
            "teacher": TeacherResource.from_settings(settings),
            **(resources or {}),
        },
        executor=executor or make_executor(settings),
    )


defs = build_defs()
