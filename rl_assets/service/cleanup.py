"""Removal of old days on request: retention's rule with a number of days of one's own."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rl_assets.governance.retention import expired_days, first_kept_day, reference_day, remove_expired
from rl_assets.lake.delta import Lake
from rl_assets.service.errors import ServiceError
from rl_assets.tables.records import INTERACTIONS


class CleanupRequest(BaseModel):
    """Days that stay, counted back from the newest day that landed; `force` removes what the window still needs."""

    model_config = ConfigDict(extra="forbid")

    days_to_keep: int = Field(30, ge=0, le=36_500, strict=True)
    force: bool = Field(False, strict=True)


def clean_up(lake: Lake, request: CleanupRequest, window_days: int | None, clock: date) -> dict[str, Any]:
    """Remove the days before; answers are counted once each. Raises ServiceError (409) if datasets need those days."""
    if not request.force and (window_days is None or request.days_to_keep < window_days):
        needed = "all days" if window_days is None else f"{window_days} days"
        raise ServiceError(
            409,
            f"datasets read {needed} (RL_ASSETS_WINDOW_DAYS), and {request.days_to_keep} would stay: keep as many, or "
            "send `force: true` to remove what they need",
            "days_to_keep",
        )
    days = expired_days(lake, first_kept_day(reference_day(lake, clock), request.days_to_keep, 0))
    expired = days.get(INTERACTIONS.name, [])
    ids = lake.read(INTERACTIONS, expired).to_table(columns=["interaction_id"]).column("interaction_id")
    removed = len(ids.unique())
    remove_expired(lake, days)
    before = f" of {len(expired)} days, {expired[0]} to {expired[-1]}," if expired else ""
    return {
        "removed_count": removed,
        "days_kept": request.days_to_keep,
        "message": f"{removed} answers{before} were removed with their feedback; datasets and adapters stay",
    }
