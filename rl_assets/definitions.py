"""The only wiring: every asset, job and schedule with its resources. No logic, and nothing is read or written here."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from rl_assets.defs.annotation import judge, teacher
from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.defs.annotation.teacher import TeacherResource
from rl_assets.defs.datasets import datasets, ratings
from rl_assets.defs.datasets import ledger_and_stats as accounts
from rl_assets.defs.documentation import images, multimodal, multimodal_training
from rl_assets.defs.evaluation import ab, quantized, reports, rollback, segment_reports
from rl_assets.defs.features import interaction_features as features
from rl_assets.defs.governance import doctor, erasure, retention
from rl_assets.defs.ingestion import raw_tables as ingest
from rl_assets.defs.shared import jobs, schedules, sensors
from rl_assets.defs.shared.automation import with_automation, with_freshness
from rl_assets.defs.shared.presentation import presented
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training import adapters, segments
from rl_assets.defs.training import offline_adapters as more_adapters
from rl_assets.instance import executors
from rl_assets.recipes.segments import read_segments
from rl_assets.settings import load_settings


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
