"""The only wiring: every asset, job and schedule with its resources. No logic, and nothing is read or written here."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from rl_assets.defs import (
    ab,
    accounts,
    adapters,
    datasets,
    doctor,
    erasure,
    executors,
    features,
    images,
    ingest,
    jobs,
    judge,
    more_adapters,
    multimodal,
    multimodal_training,
    quantized,
    ratings,
    reports,
    retention,
    rollback,
    schedules,
    segment_reports,
    segments,
    sensors,
    teacher,
)
from rl_assets.defs.automation import with_automation, with_freshness
from rl_assets.defs.judge import JudgeResource
from rl_assets.defs.presentation import presented
from rl_assets.defs.resources import HomeResource
from rl_assets.defs.teacher import TeacherResource
from rl_assets.settings import load_settings
from rl_assets.training.segments import read_segments


def build_defs(
    resources: Mapping[str, Any] | None = None, executor: dg.ExecutorDefinition | None = None
) -> dg.Definitions:
    """All definitions; resources and executor are those of the settings where they are not given."""
    settings = load_settings()
    found = dg.load_assets_from_modules(
        [
            ingest,
            features,
            ratings,
            teacher,
            datasets,
            accounts,
            adapters,
            more_adapters,
            quantized,
            reports,
            judge,
            ab,
            images,
            multimodal,
            multimodal_training,
        ]
    )
    declared = read_segments(settings.segments)
    of_segments = [*segments.segment_adapters(declared), *segment_reports.segment_reports(declared)]
    assets = presented(with_freshness([*found, *of_segments]))
    return dg.Definitions(
        assets=with_automation(assets) if settings.automation else assets,
        jobs=[
            *jobs.jobs,
            images.images_job,
            multimodal_training.multimodal_job,
            rollback.rollback_champion,
            erasure.erase,
            retention.retention,
            doctor.doctor,
        ],
        schedules=[*schedules.schedules, retention.nightly_retention],
        sensors=[*sensors.sensors, images.docs_changed],
        resources={
            "home": HomeResource.of(settings),
            "judge": JudgeResource.of(settings),
            "teacher": TeacherResource.of(settings),
            **(resources or {}),
        },
        executor=executor or executors.executor(settings),
    )


defs = build_defs()
