"""Raw tables through Dagster: each day of a run is known by its own content."""

from pathlib import Path

import dagster as dg
import pytest

from rl_assets.defs.ingestion.raw_tables import landed_logs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import DATA_VERSION
from rl_assets.settings import Settings
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import DAY, Product, interaction, later

TABLES = [table.name for table in (INTERACTIONS, FEEDBACK, REJECTED_RECORDS, INGESTED_FILES)]
DAYS = [str(later(i)) for i in range(3)]


@pytest.fixture
def instance() -> dg.DagsterInstance:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def ingest(home: Path, instance: dg.DagsterInstance, first: str, last: str) -> None:
    span = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    resources = {"home": HomeResource.from_settings(Settings(home=home))}
    assert dg.materialize([landed_logs], instance=instance, resources=resources, tags=span).success


def versions(instance: dg.DagsterInstance, table: str) -> dict[str, str]:
    """The data version of each day, as Dagster compares it to say what is stale."""
    found = {}
    for day in DAYS:
        records = dg.AssetRecordsFilter(dg.AssetKey(table), asset_partitions=[day])
        event = instance.fetch_materializations(records, limit=1).records[0].asset_materialization
        found[day] = event.tags[DATA_VERSION]
    return found


@pytest.mark.slow  # Several seconds of CPU.
def test_days_of_one_run_have_versions_of_their_own_and_keep_them_while_their_files_stay(product: Product, instance):
    home = product.landing.parent
    for number in range(3):
        product.log(interaction(f"a{number}", user_rating=4), "{", day=later(number))
    ingest(home, instance, DAYS[0], DAYS[-1])
    before = {table: versions(instance, table) for table in TABLES}
    assert all(len(set(found.values())) == len(DAYS) for found in before.values())

    product.log(interaction("late", user_rating=1), "}", day=later(1), name="late.jsonl")
    ingest(home, instance, DAYS[0], DAYS[-1])
    after = {table: versions(instance, table) for table in TABLES}
    changed = {table: [day for day in DAYS if after[table][day] != before[table][day]] for table in TABLES}
    assert changed == {table: [DAYS[1]] for table in TABLES}


@pytest.mark.slow  # Builds days for seconds.
def test_a_day_alone_has_the_version_that_it_has_in_a_run_of_several(product: Product, instance):
    home = product.landing.parent
    for number in range(3):
        product.log(interaction(f"a{number}"), day=later(number))
    ingest(home, instance, DAYS[0], DAYS[-1])
    together = versions(instance, INTERACTIONS.name)
    ingest(home, instance, str(DAY), str(DAY))
    assert versions(instance, INTERACTIONS.name) == together
