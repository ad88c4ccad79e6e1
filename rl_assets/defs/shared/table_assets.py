"""What the assets of the lake's tables share: how they are declared, the loop over days, the version of each day.

No table is built here. A dataset is published day by day too, so `dataset_runs` uses the same loop.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from rl_assets.core.files import sha256_json
from rl_assets.defs.shared.days_of_run import days_of_run
from rl_assets.defs.shared.metadata import column_schema, published_metadata
from rl_assets.defs.shared.owners import DATA_TEAM
from rl_assets.defs.shared.partitions import day_check, days, one_run
from rl_assets.lake.delta import Published
from rl_assets.lake.table import Table

Event = dg.AssetMaterialization | dg.AssetCheckEvaluation | dg.AssetCheckResult
Results = Iterator[Event | dg.MaterializeResult | dg.Output[None]]
AssetDecorator = Callable[[Callable[..., Any]], dg.AssetsDefinition]
DATA_VERSION = "dagster/data_version"  # The tag that Dagster keeps the version of a partition in.


@dataclass(frozen=True)
class PublishedDay:
    """A day that was published: its content hash, what its page shows, and the results of its checks."""

    version: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    checks: Sequence[dg.AssetCheckResult] = ()

    @classmethod
    def of_table(
        cls, published: Published, checks: Sequence[dg.AssetCheckResult] = (), **metadata: Any
    ) -> "PublishedDay":
        """A day of a table; `metadata` is shown below its row count, content and URI."""
        return cls(published.sha256, {**published_metadata(published), **metadata}, checks)


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
    name: str | None = None,
    description: str | None = None,
    group: str = "datasets",
    kind: str = "duckdb",
    checks: Mapping[str, str] | None = None,
    blocking: bool = False,
    pool: str | None = None,
) -> AssetDecorator:
    """`dg.asset` for a table with a partition per day; `checks` are names with what each states.

    An asset of another `name` publishes a part of the table.
    """
    return dg.asset(
        name=name or table.name,
        description=description,
        partitions_def=days,
        backfill_policy=one_run,
        deps=list(deps),
        check_specs=[
            day_check(check, name or table.name, text, blocking=blocking) for check, text in (checks or {}).items()
        ],
        group_name=group,
        kinds={kind, "deltalake"},
        owners=DATA_TEAM,
        metadata={"dagster/column_schema": column_schema(table)},
        pool=pool,
    )


def publish_days(context: dg.AssetExecutionContext, publish: Callable[[str], PublishedDay]) -> Results:
    """Publish each day of the run, then report the asset."""
    published = yield from publish_each(context, publish)
    yield from materialized(context, context.asset_key.to_user_string(), published)


def publish_each(
    context: dg.AssetExecutionContext, publish: Callable[[str], PublishedDay]
) -> Generator[Event, None, dict[str, PublishedDay]]:
    """Publish each day of the run; the days with their versions, metadata and checks.

    A day that is rejected shows its checks and fails the run; a retry would not help.
    """
    asset, all_days = context.asset_key.to_user_string(), days_of_run(context)
    published = {}
    for day in all_days:
        try:
            published[day] = publish(day)
        except RejectedDayError as error:
            yield from error.checks if len(all_days) == 1 else checks_of_day(context, day, error.checks)
            raise dg.Failure(str(error), allow_retries=False) from error
        if len(all_days) > 1:
            yield from events_of_day(context, asset, day, published[day])
    return published


def events_of_day(context: dg.AssetExecutionContext, asset: str, day: str, published: PublishedDay) -> Iterator[Event]:
    """The events of a day of several as soon as it is published, so that a backfill progresses day by day and a later
    day that fails hides none of it. `materialized` repeats them with all that Dagster knows of the day's inputs."""
    tags = {DATA_VERSION: published.version}
    yield dg.AssetMaterialization(asset, partition=day, metadata=published.metadata, tags=tags)
    yield from checks_of_day(context, day, published.checks)


def data_version(hashes: Sequence[str]) -> dg.DataVersion:
    """The content hash of a run's day, or of all its days together."""
    return dg.DataVersion(hashes[0] if len(hashes) == 1 else sha256_json(hashes))


def materialized(context: dg.AssetExecutionContext, asset: str, published: Mapping[str, PublishedDay]) -> Results:
    """The result of a run for an asset, each of its days with its own data version, metadata and checks.

    Dagster stamps all days of a run alike, so that one changed day would make what is built from the others stale. Of
    several days each therefore gets a second event, which repeats the first, with the version of the day, and then its
    checks, which are those of the newest event.
    """
    for day, result in published.items():
        context.add_asset_metadata(result.metadata, asset_key=asset, partition_key=day)
    version = data_version([result.version for result in published.values()])
    if len(published) == 1:
        (checks,) = [result.checks for result in published.values()]
        yield dg.MaterializeResult(asset, data_version=version, check_results=checks)
        return
    yield dg.MaterializeResult(asset, data_version=version)
    for day, result in published.items():
        newest = _newest_event(context, asset, day)
        event = newest.asset_materialization if newest else None
        assert event, "Dagster stores the event of a result before it asks for the next"
        tags = {**(event.tags or {}), DATA_VERSION: result.version}
        yield dg.AssetMaterialization(asset, partition=day, metadata=event.metadata, tags=tags)
        yield from checks_of_day(context, day, result.checks)
    for key in sorted(key for key in context.selected_asset_check_keys if key.asset_key == dg.AssetKey(asset)):
        yield dg.Output(None, output_name=context.assets_def.get_output_name_for_asset_check_key(key))


def checks_of_day(
    context: dg.AssetExecutionContext, day: str, checks: Iterable[dg.AssetCheckResult]
) -> Iterator[dg.AssetCheckEvaluation]:
    """Results of checks as those of one day. Dagster itself knows the day of a result only if its run has no other.

    Those that the run did not select are left to the runs that do: Dagster refuses them.
    """
    selected = {key.asset_key for key in context.selected_asset_check_keys}
    for check in checks:
        if check.asset_key and check.asset_key not in selected:
            continue
        key = check.resolve_target_check_key(_check_names(context))
        event = _newest_event(context, key.asset_key.to_user_string(), day)
        yield dg.AssetCheckEvaluation(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=check.passed,
            metadata=check.metadata,
            target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
                run_id=event.run_id, storage_id=event.storage_id, timestamp=event.timestamp
            )
            if event
            else None,
            severity=check.severity,
            description=check.description,
            blocking=context.assets_def.get_spec_for_check_key(key).blocking,
            partition=day,
        )


def _check_names(context: dg.AssetExecutionContext) -> dict[dg.AssetKey, set[str]]:
    names: dict[dg.AssetKey, set[str]] = {}
    for spec in context.assets_def.check_specs:
        names.setdefault(spec.asset_key, set()).add(spec.name)
    return names


def _newest_event(context: dg.AssetExecutionContext, asset: str, day: str) -> dg.EventLogRecord | None:
    filters = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[day])
    records = context.instance.fetch_materializations(filters, limit=1).records
    return records[0] if records else None
