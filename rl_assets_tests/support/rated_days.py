"""Log files that are rated through Dagster: landed, described and rated as an operator materializes them."""

from datetime import date
from typing import Any

import dagster as dg

from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.features.interaction_features import interaction_features
from rl_assets.defs.ingestion.raw_tables import landed_logs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product

Row = dict[str, Any]


def rate(product: Product, instance: dg.DagsterInstance, day: date = DAY, **settings: Any) -> dg.ExecuteInProcessResult:
    """Materialize the raw tables, the features and the rated answers of a day."""
    home = HomeResource.from_settings(Settings(home=product.landing.parent, **settings))
    return dg.materialize(
        [landed_logs, interaction_features, rated_interactions],
        instance=instance,
        resources={"home": home},
        partition_key=str(day),
    )


def rewards(product: Product, day: date = DAY) -> dict[str, float | None]:
    """The reward of every answer as of the day."""
    return {row["interaction_id"]: row["reward"] for row in product.rows(RATED_INTERACTIONS, day)}


def raters(product: Product, day: date = DAY) -> set[int]:
    """The numbers of raters of the rated answers as of the day."""
    return {row["raters"] for row in product.rows(RATED_INTERACTIONS, day) if row["raters"]}


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> Row:
    """What the page of an asset shows of the run."""
    events = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    (shown,) = [event.metadata for event in events if event.asset_key == dg.AssetKey(asset)]
    return {name: value.value for name, value in shown.items()}


def check(result: dg.ExecuteInProcessResult, name: str) -> dg.AssetCheckEvaluation:
    """The result of a check."""
    (evaluation,) = [each for each in result.get_asset_check_evaluations() if each.check_name == name]
    return evaluation
