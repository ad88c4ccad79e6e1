"""What is made by itself once automation is switched on, by Dagster's own evaluation."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.datasets import datasets, rated_interactions
from rl_assets.defs.ingestion import raw_tables
from rl_assets.defs.ingestion.raw_tables import landed_logs
from rl_assets.defs.shared.automation import with_automation
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings
from rl_assets_tests.support.night_logs import write_log

TODAY = str(datetime.now(UTC).date())
DATASETS = {"rated_interactions", "dataset_ledger", "interaction_stats"} | {
    f"{kind}_dataset" for kind in ("sft", "dpo", "reward", "kto", "grpo")
}


def names(defs: dg.Definitions, attribute: str) -> set[str]:
    specs = defs.resolve_all_asset_specs()
    return {spec.key.to_user_string() for spec in specs if getattr(spec, attribute) is not None}


def test_nothing_is_made_by_itself_unless_it_is_switched_on(monkeypatch):
    assert names(build_defs(), "automation_condition") == set()
    monkeypatch.setenv("RL_ASSETS_AUTOMATION", "true")
    switched_on = names(build_defs(), "automation_condition")
    assert switched_on >= DATASETS
    assert not {name for name in switched_on if name.endswith(("_adapter", "_report", "_decision"))}


@pytest.fixture
def defs(tmp_path) -> dg.Definitions:
    """Raw tables, rated answers and one dataset, whose home holds a file of today and none of the days before."""
    write_log(tmp_path, TODAY, range(3))
    tables = dg.load_assets_from_modules([raw_tables, rated_interactions])
    return dg.Definitions(
        assets=with_automation([*tables, datasets.sft_dataset]),
        resources={"home": HomeResource.from_settings(Settings(home=tmp_path))},
    )


@pytest.mark.slow  # Builds days for seconds.
def test_todays_dataset_follows_its_raw_tables_though_days_of_the_window_are_missing(defs):
    with dg.instance_for_test() as instance:
        before = dg.evaluate_automation_conditions(defs=defs, instance=instance)
        assert before.total_requested == 0
        made = dg.materialize(
            [landed_logs], instance=instance, partition_key=TODAY, resources=defs.resources, raise_on_error=True
        )
        assert made.success
        after = dg.evaluate_automation_conditions(defs=defs, instance=instance, cursor=before.cursor)
        for name in ("rated_interactions", "sft_dataset"):
            assert after.get_requested_partitions(dg.AssetKey(name)) == {TODAY}
        again = dg.evaluate_automation_conditions(defs=defs, instance=instance, cursor=after.cursor)
        assert again.total_requested == 0
