"""Ask the instance for a backfill of a range of days: `python -m <this> <module> <first day> <last day>`.

All assets of the module's `datasets_job`; the daemon launches the runs. Prints the backfill's id.
"""

import sys
from importlib import import_module

import dagster as dg
from dagster._core.definitions.selector import PartitionRangeSelector, PartitionsByAssetSelector, PartitionsSelector
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.utils import make_new_backfill_id
from dagster._time import get_current_timestamp


def main(module: str, first: str, last: str) -> None:
    defs: dg.Definitions = import_module(module).defs
    chosen = sorted(defs.resolve_job_def("datasets_job").asset_layer.executable_asset_keys)
    these = PartitionsSelector(ranges=[PartitionRangeSelector(start=first, end=last)])
    with dg.DagsterInstance.get() as instance:
        backfill = PartitionBackfill.from_partitions_by_assets(
            backfill_id=make_new_backfill_id(),
            asset_graph=defs.resolve_asset_graph(),
            backfill_timestamp=get_current_timestamp(),
            tags={},
            dynamic_partitions_store=instance,
            partitions_by_assets=[PartitionsByAssetSelector(asset_key=key, partitions=these) for key in chosen],
            title=None,
            description=None,
            run_config=None,
        )
        instance.add_backfill(backfill)
    print(backfill.backfill_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
