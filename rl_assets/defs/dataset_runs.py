"""A run of a dataset asset: each day is built, audited and published, and what was found is shown. No assets here."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TypeVar

import dagster as dg
import duckdb

from rl_assets.datasets.audit import AuditError, Finding
from rl_assets.datasets.builders import Built
from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.folder import Dataset, preview, publish_dataset
from rl_assets.datasets.policies import Policy
from rl_assets.datasets.ratings import RATED_INTERACTIONS, rated_as_of
from rl_assets.defs.metadata import SHOWN_HASH, check_result, data_version, markdown_table
from rl_assets.defs.resources import HomeResource

P = TypeVar("P", bound=Policy)
Build = Callable[[duckdb.DuckDBPyConnection, P], Built]
Results = Iterator[dg.AssetCheckResult | dg.MaterializeResult]


def materialize(
    context: dg.AssetExecutionContext,
    home: HomeResource,
    build: Build[P],
    policy: P,
    suite: Sequence[Expectation],
) -> Results:
    """Build, audit and publish each day; what the audit found is shown even where it forbids publishing."""
    name = context.asset_key.to_user_string()
    found: dict[str, list[Finding]] = {}
    published: list[Dataset] = []
    for day in context.partition_keys:
        try:
            dataset = _publish(home, name, day, build, policy, suite)
        except AuditError as error:
            yield from _check_results(name, {day: error.findings})
            raise dg.Failure(str(error), allow_retries=False) from error
        published.append(dataset)
        found[day] = dataset.findings
        context.add_asset_metadata(_describe(dataset), partition_key=day)
    yield dg.MaterializeResult(
        data_version=data_version([dataset.sha256 for dataset in published]),
        check_results=list(_check_results(name, found)),
    )


def _publish(
    home: HomeResource, name: str, day: str, build: Build[P], policy: P, suite: Sequence[Expectation]
) -> Dataset:
    connection = rated_as_of(home.lake, home.window(day), home.duckdb_memory_limit)
    built = build(connection, policy)
    rated = home.lake.published(RATED_INTERACTIONS, date.fromisoformat(day))
    inputs = {RATED_INTERACTIONS.name: {day: rated.sha256}}
    return publish_dataset(connection, home.dataset(name, day), built, policy, suite, inputs)


def _check_results(asset: str, found: dict[str, list[Finding]]) -> Iterator[dg.AssetCheckResult]:
    for findings in zip(*found.values(), strict=True):
        yield check_result(asset, dict(zip(found, findings, strict=True)))


def _describe(dataset: Dataset) -> dict[str, object]:
    manifest = dataset.manifest
    return {
        "dagster/partition_row_count": sum(dataset.rows.values()),
        "dagster/uri": str(dataset.folder),
        "content": dataset.sha256[:SHOWN_HASH],
        **{f"{split}_rows": rows for split, rows in dataset.rows.items()},
        "candidates": manifest["candidates"],
        "taken": manifest["taken"],
        **{name: value for name, value in manifest["measures"].items() if value is not None},
        **{name: value for name, value in manifest["tokens"].items() if value is not None},
        "left_out": markdown_table({"reason": reason, "candidates": n} for reason, n in manifest["rejects"].items()),
        "preview": markdown_table(preview(dataset.folder)),
    }
