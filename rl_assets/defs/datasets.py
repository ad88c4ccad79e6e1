"""Datasets as of each day. Rating, building and auditing is `rl_assets.datasets`; here are assets and their settings."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TypeVar

import dagster as dg
import duckdb

from rl_assets.datasets import expectations
from rl_assets.datasets.audit import AuditError, Finding
from rl_assets.datasets.builders import (
    Built,
    DpoPolicy,
    GrpoPolicy,
    Policy,
    SftPolicy,
    build_dpo,
    build_grpo,
    build_sft,
)
from rl_assets.datasets.expectations import Expectation
from rl_assets.datasets.folder import Dataset, preview, publish_dataset
from rl_assets.datasets.ratings import RATED_INTERACTIONS, rate_interactions, rated_as_of
from rl_assets.defs.ingest import OWNERS
from rl_assets.defs.metadata import (
    SHOWN_HASH,
    check_result,
    column_schema,
    data_version,
    markdown_table,
    published_metadata,
)
from rl_assets.defs.partitions import days, one_run, trailing
from rl_assets.defs.resources import HomeResource
from rl_assets.ingest.records import FEEDBACK, INTERACTIONS
from rl_assets.settings import load_settings

WINDOW = trailing(load_settings().window_days)
P = TypeVar("P", bound=Policy)
Build = Callable[[duckdb.DuckDBPyConnection, P], Built]
Results = Iterator[dg.AssetCheckResult | dg.MaterializeResult]


class SftDatasetConfig(dg.Config, SftPolicy):
    """One best answer a prompt."""


class DpoDatasetConfig(dg.Config, DpoPolicy):
    """Pairs of answers to one prompt."""


class GrpoDatasetConfig(dg.Config, GrpoPolicy):
    """Groups of answers to one prompt."""


@dg.asset(
    partitions_def=days,
    backfill_policy=one_run,
    deps=[dg.AssetDep(table.name, partition_mapping=WINDOW) for table in (INTERACTIONS, FEEDBACK)],
    group_name="datasets",
    kinds={"duckdb", "deltalake"},
    owners=OWNERS,
    metadata={"dagster/column_schema": column_schema(RATED_INTERACTIONS)},
)
def rated_interactions(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Every answer of the trailing window with its reward, as known by the end of each day.

    The reward is human feedback, else a verifier's, else a judge's; missing is not zero. Texts stay in `interactions`.
    """
    versions = []
    for day in context.partition_keys:
        published = rate_interactions(home.lake, home.window(day), home.duckdb_memory_limit)
        versions.append(published.sha256)
        context.add_asset_metadata(published_metadata(published), partition_key=day)
    return dg.MaterializeResult(data_version=data_version(versions))


def _checks(asset: str, suite: Sequence[Expectation]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(item.name, asset=asset, description=item.sentence, blocking=item.blocking) for item in suite
    ]


@dg.asset(
    partitions_def=days,
    backfill_policy=one_run,
    deps=[rated_interactions],
    check_specs=_checks("sft_dataset", expectations.SFT),
    group_name="datasets",
    kinds={"duckdb", "parquet", "huggingface"},
    owners=OWNERS,
)
def sft_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: SftDatasetConfig) -> Results:
    """The best answer to each prompt, as chat messages for supervised fine-tuning."""
    yield from _materialize(context, home, build_sft, config, expectations.SFT)


@dg.asset(
    partitions_def=days,
    backfill_policy=one_run,
    deps=[rated_interactions],
    check_specs=_checks("dpo_dataset", expectations.DPO),
    group_name="datasets",
    kinds={"duckdb", "parquet", "huggingface"},
    owners=OWNERS,
)
def dpo_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: DpoDatasetConfig) -> Results:
    """Pairs of answers to one prompt of which one was clearly better, for preference optimisation."""
    yield from _materialize(context, home, build_dpo, config, expectations.DPO)


@dg.asset(
    partitions_def=days,
    backfill_policy=one_run,
    deps=[rated_interactions],
    check_specs=_checks("grpo_dataset", expectations.GRPO),
    group_name="datasets",
    kinds={"duckdb", "parquet", "huggingface"},
    owners=OWNERS,
)
def grpo_dataset(context: dg.AssetExecutionContext, home: HomeResource, config: GrpoDatasetConfig) -> Results:
    """Groups of answers to one prompt with their rewards, for group-relative optimisation."""
    yield from _materialize(context, home, build_grpo, config, expectations.GRPO)


def _materialize(
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
        "left_out": markdown_table({"reason": reason, "candidates": n} for reason, n in manifest["rejects"].items()),
        "preview": markdown_table(preview(dataset.folder)),
    }
