"""Data versions: each day of a range has its own, so that only what depends on a changed day becomes stale."""

from pathlib import Path

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.lake.delta import Lake
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import Product, judged, later

pytestmark = pytest.mark.slow

DAYS = [str(later(number)) for number in range(3)]
BY_DAY = ["interactions", "interaction_features", "rated_interactions", "sft_dataset"]
SELECTED = [dg.AssetKey(name) for name in [*BY_DAY, "feedback", "rejected_records", "ingested_files"]]
Versions = dict[tuple[str, str], str | None]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    product = Product(tmp_path / "landing", Lake(str(tmp_path / "lake")))
    for number, day in enumerate(DAYS):
        rows = [
            judged(
                f"{number}-{i}", i % 3 / 2, query=f"Question {i}?", answer=f"{number} {i}.", timestamp=f"{day}T10:00Z"
            )
            for i in range(6)
        ]
        product.log(*rows, day=later(number))
    return tmp_path


def run(home: Path, instance: dg.DagsterInstance, first: str, last: str) -> None:
    defs = build_defs(
        resources={"home": HomeResource.from_settings(Settings(home=home))}, executor=dg.in_process_executor
    )
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    job = defs.resolve_job_def("datasets_job")
    assert job.execute_in_process(instance=instance, tags=tags, asset_selection=SELECTED).success


def versions(instance: dg.DagsterInstance) -> Versions:
    found = {}
    for asset in BY_DAY:
        for day in DAYS:
            wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[day])
            event = instance.fetch_materializations(wanted, limit=1).records[0].asset_materialization
            found[asset, day] = (event.tags or {}).get("dagster/data_version")
    return found


def test_a_range_gives_each_day_the_version_that_a_run_of_its_own_gives(home: Path):
    with dg.DagsterInstance.ephemeral() as ranged, dg.DagsterInstance.ephemeral() as single:
        run(home, ranged, DAYS[0], DAYS[-1])
        for day in DAYS:
            run(home, single, day, day)
        assert versions(ranged) == versions(single)
        assert len({versions(ranged)["rated_interactions", day] for day in DAYS}) == len(DAYS)


def test_a_range_run_again_after_one_day_changed_gives_the_days_before_the_version_they_had(home: Path):
    with dg.DagsterInstance.ephemeral() as instance:
        run(home, instance, DAYS[0], DAYS[-1])
        before = versions(instance)
        line = judged("late", 1.0, query="One more?", timestamp=f"{DAYS[1]}T11:00:00Z")
        Product(home / "landing", Lake(str(home / "lake"))).log(line, day=later(1), name="late.jsonl")
        run(home, instance, DAYS[0], DAYS[-1])
        now = versions(instance)
    changed = {key for key in now if now[key] != before[key]}
    assert not {asset for asset, day in changed if day == DAYS[0]}
    assert ("interaction_features", DAYS[2]) not in changed  # Nothing else landed on it.
    assert {("rated_interactions", day) for day in DAYS[1:]} | {("sft_dataset", DAYS[2])} <= changed
