"""What assets are told beside their own definition: how fresh they should be, and when to be made by themselves."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dagster as dg

# The schedule of 02:00 UTC has until 06:00.
NIGHTLY = dg.FreshnessPolicy.cron(deadline_cron="0 6 * * *", lower_bound_delta=timedelta(hours=4))
# A day of the window on which nothing landed was never asked for, and must not hold up those after it.
EAGER = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())


def with_freshness(assets: Iterable[Any]) -> list[dg.AssetsDefinition]:
    """Raw tables and datasets are due every morning; adapters are not, since unchanged rows train nothing."""
    return _replaced(assets, ("raw", "datasets"), freshness_policy=NIGHTLY)


def with_automation(assets: Iterable[Any]) -> list[dg.AssetsDefinition]:
    """Each dataset day is made anew when what it is made of was; raw tables are asked for by `new_log_files`.

    Only the newest day: a late file re-opens its own day, and those after it are shown as stale until asked for.
    """
    return _replaced(assets, ("datasets",), automation_condition=EAGER)


def _replaced(assets: Iterable[Any], groups: tuple[str, ...], **attributes: Any) -> list[dg.AssetsDefinition]:
    def replace(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(**attributes) if spec.group_name in groups else spec

    return list(dg.map_asset_specs(replace, assets))
