"""The resource that all assets share: the home folder with its lake, and the choices of the deployment.

Nothing here does work. Resources of one concept, such as the judge, lie with its assets.
"""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from rl_assets.core.home import Home
from rl_assets.core.identity import VOLATILE, PromptRules, user_hash_key
from rl_assets.datasets.ratings import Window
from rl_assets.features.privacy_rules import PrivacyRules
from rl_assets.ingest.database import Database
from rl_assets.lake.delta import Lake
from rl_assets.lake.tombstones import Erased
from rl_assets.routing.config import RouterFile, read_router
from rl_assets.service.erasure import ServiceErasure, erase_from_service
from rl_assets.service.landing import land_if_used
from rl_assets.serving.config import ServingFile, read_serving
from rl_assets.settings import Settings, load_settings


class HomeResource(dg.ConfigurableResource):
    """Folders and choices of a deployment; secrets stay in the environment, since the UI shows resources."""

    home: str
    lake_url: str
    landing_url: str
    window_days: int | None
    base_model: str
    recipe: str
    duckdb_memory_limit: str
    metrics: dict[str, dict[str, Any]] = Field(default_factory=dict)
    ui_url: str | None = None
    max_shrink: float = 0.5
    reject_warn_share: float = 0.02
    reject_error_share: float = 0.5
    volatile_patterns: list[str] = Field(default_factory=lambda: list(VOLATILE))
    ignore_digits: bool = False
    detectors: list[str] = Field(default_factory=list)
    retention_days: int | None
    retrain_min_rows: dict[str, int]
    retrain_min_hours: float
    serving: str | None = None
    router: str | None = None
    gateway_url: str = "http://127.0.0.1:8800"

    @classmethod
    def from_settings(cls, settings: Settings) -> "HomeResource":
        return cls(
            home=str(settings.home),
            lake_url=settings.paths.lake_url,
            landing_url=str(settings.paths.landing),
            window_days=settings.window_days,
            base_model=settings.base_model,
            recipe=settings.recipe,
            duckdb_memory_limit=settings.duckdb_memory_limit,
            # Dagster takes no null inside a map.
            metrics={name: metric.model_dump(exclude_none=True) for name, metric in settings.metrics.items()},
            ui_url=settings.ui_url,
            max_shrink=settings.max_shrink,
            reject_warn_share=settings.reject_warn_share,
            reject_error_share=settings.reject_error_share,
            volatile_patterns=list(VOLATILE) if settings.volatile_patterns is None else settings.volatile_patterns,
            ignore_digits=settings.ignore_digits,
            detectors=list(settings.detector_names),
            retention_days=settings.retention_days,
            retrain_min_rows={kind: getattr(settings, f"retrain_min_{kind}_rows") for kind in ("sft", "dpo", "grpo")},
            retrain_min_hours=settings.retrain_min_hours,
            serving=str(settings.serving) if settings.serving else None,
            router=str(settings.router) if settings.router else None,
            gateway_url=settings.gateway_url,
        )

    @property
    def paths(self) -> Home:
        """The paths below the home folder."""
        return Home(Path(self.home), self.lake_url, self.landing_url)

    @property
    def prompt_rules(self) -> PromptRules:
        return PromptRules(tuple(self.volatile_patterns), self.ignore_digits)

    @property
    def privacy_rules(self) -> PrivacyRules:
        return PrivacyRules(tuple(self.detectors), self.user_hash_key())

    def serving_file(self) -> ServingFile:
        """Endpoints, arms and shares; the default ones without a file."""
        return read_serving(Path(self.serving) if self.serving else None)

    def router_file(self) -> RouterFile:
        """Arms, priors and how arms are drawn; the default ones without a file."""
        return read_router(Path(self.router) if self.router else None)

    def declared_router(self) -> RouterFile | None:
        """The router file if one is set: without it, arms are not drawn by what was learned."""
        return self.router_file() if self.router else None

    @property
    def lake(self) -> Lake:
        return Lake(self.lake_url)

    def window(self, day: str) -> Window:
        return Window(date.fromisoformat(day), self.window_days)

    # What follows is read from the environment when it is used: secrets, or URLs that hold one.

    def user_hash_key(self) -> bytes:
        """The secret of the keyed hash of user ids."""
        return user_hash_key(load_settings().user_hash_key, self.paths)

    def feedback_database(self) -> Database | None:
        """The database that holds feedback, if one is set."""
        settings = load_settings()
        return Database(settings.feedback_database, settings.feedback_query) if settings.feedback_database else None

    def land_service_rows(self, at_once: bool = False) -> int:
        """Land what waits in the feedback service, if there is one; the number of rows. Raises StoreError.

        Without `at_once`, not sooner after the last file than the settings allow: each file opens its day again.
        """
        settings = load_settings()
        seconds = 0 if at_once else settings.service_land_seconds
        return sum(file.rows for file in land_if_used(self.paths, settings.service_database, seconds))

    def erase_from_service(self, order: Erased, dry_run: bool = False) -> ServiceErasure:
        """Erase users and answers from the feedback service, if there is one. Raises StoreError."""
        return erase_from_service(self.paths, load_settings().service_database, order, self.user_hash_key(), dry_run)

    def alert_webhook(self) -> str | None:
        """Where failed runs are posted, if anywhere."""
        return load_settings().alert_webhook
