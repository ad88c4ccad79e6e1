"""What the assets of the lake's tables share: how they are declared, the loop over days, the version of each day.

No table is built here. A dataset is published day by day too, so `dataset_runs` uses the same loop.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from rl_assets.core.files import sha256_json
from rl_assets.defs.shared.days_of_run import days_of_run
from rl_assets.defs.shared.metadata import column_schema, published_metadata
from rl_assets.defs.shared.owners import DATA_TEAM
from rl_assets.defs.shared.partitions import days, one_run
from rl_assets.lake.delta import Published
from rl_assets.lake.table import Table

Results = Iterator[dg.AssetCheckResult | dg.MaterializeResult | dg.AssetMaterialization]
AssetDecorator = Callable[[Callable[..., Any]], dg.AssetsDefinition]
DATA_VERSION = "dagster/data_version"  # The tag that Dagster keeps the version of a partition in.


@dataclass(frozen=True)
class PublishedDay:
    """A day that was published: its content hash, and what its page shows."""

    version: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_table(cls, published: Published, **metadata: Any) -> "PublishedDay":
        """A day of a table; `metadata` is shown below its row count, content and URI."""
        return cls(published.sha256, {**published_metadata(published), **metadata})


class RejectedDayError(Exception):
    """A day that was not published because a blocking check failed; `checks` say which."""

    def __init__(self, reason: str, checks: Sequence[dg.AssetCheckResult]) -> None:
        super().__init__(reason)
        self.checks = checks


def table_spec(table: Table, description: str, group: str = "raw", kind: str = "duckdb") -> dg.AssetSpec:
    """The asset of a table of the lake, its columns described."""
    return dg.AssetSpec(
        table.name,
        description=description,
        group_name=group,
        kinds={kind, "deltalake"},
        owners=DATA_TEAM,
        metadata={"dagster/column_schema": column_schema(table)},
    )


def table_asset(
    table: Table,
    deps: Iterable[Any],
    *,
    group: str = "datasets",
    kind: str = "duckdb",
    checks: Mapping[str, str] | None = None,
    blocking: bool = False,
    pool: str | None = None,
) -> AssetDecorator:
    """`dg.asset` for a table with a partition per day; `checks` are names with what each states."""
    return dg.asset(
        name=table.name,
        partitions_def=days,
        backfill_policy=one_run,
        deps=list(deps),
        check_specs=[
            dg.AssetCheckSpec(name, asset=table.name, description=text, blocking=blocking)
            for name, text in (checks or {}).items()
        ],
        group_name=group,
        kinds={kind, "deltalake"},
        owners=DATA_TEAM,
        metadata={"dagster/column_schema": column_schema(table)},
        pool=pool,
    )


def publish_days(
    context: dg.AssetExecutionContext,
    publish: Callable[[str], PublishedDay],
    checks: Callable[[], Iterable[dg.AssetCheckResult]] = tuple,
) -> Results:
    """Publish each day of the run, then report the asset with the results of `checks`."""
    versions = yield from publish_each(context, publish)
    yield from materialized(context, context.asset_key.to_user_string(), versions, list(checks()))


def publish_each(
    context: dg.AssetExecutionContext, publish: Callable[[str], PublishedDay]
) -> Generator[dg.AssetCheckResult, None, dict[str, str]]:
    """Publish each day of the run and add its metadata; the version of each day.

    A day that is rejected shows its checks and fails the run; a retry would not help.
    """
    versions = {}
    for day in days_of_run(context):
        try:
            published = publish(day)
        except RejectedDayError as error:
            yield from error.checks
            raise dg.Failure(str(error), allow_retries=False) from error
        versions[day] = published.version
        context.add_asset_metadata(published.metadata, partition_key=day)
    return versions


def data_version(hashes: Sequence[str]) -> dg.DataVersion:
    """The content hash of a run's day, or of all its days together."""
    return dg.DataVersion(hashes[0] if len(hashes) == 1 else sha256_json(hashes))


def materialized(
    context: dg.AssetExecutionContext,
    asset: str,
    versions: Mapping[str, str],
    check_results: Sequence[dg.AssetCheckResult] = (),
) -> Results:
    """The result of a run for an asset, each of its days stamped with its own data version; `versions` are content
    hashes by day.

    Dagster stamps all days of a run alike, so that one changed day would make what is built from the others stale. Of
    several days each therefore gets a second event, which repeats the first, with the version of the day.
    """
    result = data_version(list(versions.values()))
    yield dg.MaterializeResult(asset, data_version=result, check_results=check_results)
    for day, version in versions.items() if len(versions) > 1 else ():
        stored = context.instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[day]), limit=1
        )
        first = stored.records[0].asset_materialization
        assert first, "Dagster stores the event of a result before it asks for the next"
        yield dg.AssetMaterialization(
            asset, partition=day, metadata=first.metadata, tags={**(first.tags or {}), DATA_VERSION: version}
        )
