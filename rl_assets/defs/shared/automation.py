"""Automation of assets, added to all of a group at once: when they materialize automatically. Schedules and sensors lie
with their jobs, and lateness is `alerts.late_days`.
"""

from collections.abc import Iterable
from typing import Any

import dagster as dg

# A day of the window on which nothing landed was never requested, and must not block the days after it.
EAGER = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())


def with_automation(assets: Iterable[Any]) -> list[dg.AssetsDefinition]:
    """The newest day of each dataset is materialized again after its inputs; `new_log_files` requests raw tables.

    A late file does not rebuild the days after its own: they are shown as stale until somebody requests them.
    """

    def automated(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(automation_condition=EAGER) if spec.group_name == "datasets" else spec

    return list(dg.map_asset_specs(automated, assets))
