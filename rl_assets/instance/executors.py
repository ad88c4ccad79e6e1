"""The executor of steps, selected by one setting. Where runs are launched is set in `dagster.yaml`."""

import os
from collections.abc import Mapping

import dagster as dg
from dotenv import dotenv_values

from rl_assets.settings import ENV_FILE, PREFIX, Settings, SettingsError

# Imported once by the fork server instead of by each step; heavy libraries stay out, since forking torch is unsafe.
PRELOADED = [
    "rl_assets.defs.datasets.datasets",
    "dagster._core.storage.runs.sqlite",
    "sqlalchemy",
    "alembic",
    "duckdb",
    "polars",
]


def make_executor(settings: Settings) -> dg.ExecutorDefinition:
    """The executor that the settings name.

    multiprocess: one process per step, forked from a warm server. in_process: one after another, for debugging. ray:
    one job per step on a Ray cluster. k8s: one Kubernetes job per step. SettingsError if one of the last two is not
    installed.
    """
    if settings.executor == "in_process":
        return dg.in_process_executor
    if settings.executor == "ray":
        return _ray(settings)
    if settings.executor == "k8s":
        return _kubernetes()
    return dg.multiprocess_executor.configured({"start_method": {"forkserver": {"preload_modules": PRELOADED}}})


def _ray(settings: Settings) -> dg.ExecutorDefinition:
    try:
        from dagster_ray import ray_executor
    except ImportError as error:
        raise _not_installed("ray") from error
    forwarded = forwarded_settings(settings, {**dotenv_values(ENV_FILE), **os.environ})
    return ray_executor.configured(
        {
            "ray": {
                "address": settings.ray_address,
                "env_vars": [f"{name}={value}" for name, value in forwarded.items()],
                # Ray hides no GPU from a job that asks for none. The tags of those that do replace this.
                "runtime_env": {"env_vars": {"CUDA_VISIBLE_DEVICES": ""}},
                # Without any request Ray would start all steps at once, and all on its head node.
                "num_cpus": 1,
            }
        }
    )


def forwarded_settings(settings: Settings, environment: Mapping[str, str | None]) -> dict[str, str]:
    """The settings that a step in another process needs, secrets aside: Ray's dashboard shows what is forwarded."""
    secret = {f"{PREFIX}{name.upper()}" for name, field in Settings.model_fields.items() if not field.repr}
    given = {name.upper(): value for name, value in environment.items() if name.upper().startswith(PREFIX)}
    kept = {name: value for name, value in given.items() if value and name not in secret}
    # The folder is relative by default, to a working folder that a worker does not share.
    return kept | {f"{PREFIX}HOME": str(settings.home)}


def _kubernetes() -> dg.ExecutorDefinition:
    try:
        from dagster_k8s import k8s_job_executor
    except ImportError as error:
        raise _not_installed("k8s") from error
    # Image, namespace, volumes and secrets are those of the instance's K8sRunLauncher.
    return k8s_job_executor


def _not_installed(name: str) -> SettingsError:
    return SettingsError(
        f"{PREFIX}EXECUTOR is {name!r}, and its library is not installed: pip install 'rl-assets[{name}]'"
    )
