"""The only wiring: every asset, job and schedule with its resources. No logic, and nothing is read or written here."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from rl_assets.defs import (
    ab,
    accounts,
    adapters,
    datasets,
    executors,
    features,
    images,
    ingest,
    jobs,
    judge,
    more_adapters,
    multimodal,
    multimodal_training,
    ratings,
    reports,
    rollback,
    schedules,
    sensors,
)
from rl_assets.defs.judge import JudgeResource
from rl_assets.defs.resources import HomeResource
from rl_assets.settings import load_settings


def build_defs(
    resources: Mapping[str, Any] | None = None, executor: dg.ExecutorDefinition | None = None
) -> dg.Definitions:
    """All definitions; resources and executor are those of the settings where they are not given."""
    settings = load_settings()
    return dg.Definitions(
        assets=dg.load_assets_from_modules(
            [
                ingest,
                features,
                ratings,
                datasets,
                accounts,
                adapters,
                more_adapters,
                reports,
                judge,
                ab,
                images,
                multimodal,
                multimodal_training,
            ]
        ),
        jobs=[*jobs.jobs, images.images_job, multimodal_training.multimodal_job, rollback.rollback_champion],
        schedules=schedules.schedules,
        sensors=[*sensors.sensors, images.docs_changed],
        resources={"home": HomeResource.of(settings), "judge": JudgeResource.of(settings), **(resources or {})},
        executor=executor or executors.executor(settings.executor),
    )


defs = build_defs()
