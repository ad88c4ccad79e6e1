"""Freshness and automation of assets, added to all of a group at once: how old they may be, and when they materialize
automatically. Schedules and sensors lie with their jobs.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dagster as dg

# The nightly run of 02:00 UTC has until 06:00.
NIGHTLY = dg.FreshnessPolicy.cron(deadline_cron="0 6 * * *", lower_bound_delta=timedelta(hours=4))
# A day of the window on which nothing landed was never requested, and must not block the days after it.
EAGER = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())


def with_freshness(assets: Iterable[Any]) -> list[dg.AssetsDefinition]:
    """Raw tables and datasets are due every morning; adapters are not, since unchanged rows train nothing."""
    return _replaced(assets, ("raw", "datasets"), freshness_policy=NIGHTLY)


def with_automation(assets: Iterable[Any]) -> list[dg.AssetsDefinition]:
    """The newest day of each dataset is materialized again after its inputs; `new_log_files` requests raw tables.

    A late file does not rebuild the days after its own: they are shown as stale until somebody requests them.
    """
    return _replaced(assets, ("datasets",), automation_condition=EAGER)


def _replaced(assets: Iterable[Any], groups: tuple[str, ...], **attributes: Any) -> list[dg.AssetsDefinition]:
    def replace(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(**attributes) if spec.group_name in groups else spec

    return list(dg.map_asset_specs(replace, assets))
