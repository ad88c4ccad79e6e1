"""A run of a dataset asset: each day is built, audited and published, and its findings are shown. No assets here."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import dagster as dg
import duckdb

from rl_assets.datasets.audit import AuditError, Finding
from rl_assets.datasets.builders import Built
from rl_assets.datasets.expectations import Expectation, with_detectors
from rl_assets.datasets.folder import BUILDER_VERSION, Dataset, preview, publish_dataset
from rl_assets.datasets.policies import AnswerPolicy, GrpoPolicy, PairPolicy, Policy, SftPolicy
from rl_assets.datasets.ratings import rated_as_of
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.metadata import SHOWN_HASH, check_result, markdown_table
from rl_assets.defs.shared.owners import DATA_TEAM
from rl_assets.defs.shared.partitions import days, one_run
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import AssetDecorator, PublishedDay, RejectedDayError, Results, publish_days
from rl_assets.lake.table import Table
from rl_assets.tables.judge_preferences import JUDGE_PREFERENCES
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.ruler_groups import RULER_GROUPS
from rl_assets.tables.synthetic_feedback import SYNTHETIC_FEEDBACK
from rl_assets.tables.teacher_answers import TEACHER_ANSWERS

P = TypeVar("P", bound=Policy)
Preview = Callable[[Dataset], dg.MarkdownMetadataValue]
Build = Callable[[duckdb.DuckDBPyConnection, P], Built]


def check_specs(
    asset: str, suite: Sequence[Expectation], partitions: dg.PartitionsDefinition = days
) -> list[dg.AssetCheckSpec]:
    """A check for each expectation, of each partition."""
    return [
        dg.AssetCheckSpec(
            item.name, asset=asset, description=item.sentence, blocking=item.blocking, partitions_def=partitions
        )
        for item in suite
    ]


def dataset_asset(
    name: str, suite: Sequence[Expectation], deps: Sequence[Any], group: str = "datasets"
) -> AssetDecorator:
    """`dg.asset` for a dataset with a folder per day."""
    return dg.asset(
        name=name,
        partitions_def=days,
        backfill_policy=one_run,
        deps=deps,
        check_specs=check_specs(name, suite),
        code_version=BUILDER_VERSION,
        group_name=group,
        kinds={"duckdb", "parquet", "huggingface"},
        owners=DATA_TEAM,
    )


def materialize(
    context: dg.AssetExecutionContext,
    home: HomeResource,
    build: Build[P],
    policy: P,
    suite: Sequence[Expectation],
) -> Results:
    """Build each day's dataset of rated answers, audit and publish it."""
    name = context.asset_key.to_user_string()

    def publish(day: str) -> Dataset:
        require_input(context, home.lake, RATED_INTERACTIONS, day)
        return _publish(home, name, day, build, policy, suite)

    yield from publish_datasets(context, publish)


def first_rows(dataset: Dataset) -> dg.MarkdownMetadataValue:
    """The first training rows as a table."""
    return markdown_table(preview(dataset.folder))


def publish_datasets(
    context: dg.AssetExecutionContext, publish: Callable[[str], Dataset], preview_of: Preview = first_rows
) -> Results:
    """Publish each day; the audit's findings are shown even if they forbid publishing."""
    name = context.asset_key.to_user_string()

    def publish_day(day: str) -> PublishedDay:
        try:
            dataset = publish(day)
        except AuditError as error:
            raise RejectedDayError(str(error), _check_results(name, day, error.findings)) from error
        metadata = {**_describe(dataset), "preview": preview_of(dataset)}
        return PublishedDay(dataset.sha256, metadata, _check_results(name, day, dataset.findings))

    yield from publish_days(context, publish_day)


def _publish(
    home: HomeResource, name: str, day: str, build: Build[P], policy: P, suite: Sequence[Expectation]
) -> Dataset:
    connection = rated_as_of(home.lake, home.window(day), home.duckdb_memory_limit)
    built = build(connection, policy)
    inputs = {table.name: {day: home.lake.published(table, day).sha256} for table in _read_by(policy)}
    suite = with_detectors(suite, tuple(home.detectors))
    return publish_dataset(connection, home.paths.datasets(name, day), built, policy, suite, inputs)


def _read_by(policy: Policy) -> list[Table]:
    """The tables whose content decides a dataset of that policy."""
    tables = [RATED_INTERACTIONS]
    if isinstance(policy, PairPolicy) and "judge" in policy.strategies:
        tables.append(JUDGE_PREFERENCES)
    if isinstance(policy, SftPolicy) and policy.teacher:
        tables.append(TEACHER_ANSWERS)
    if isinstance(policy, AnswerPolicy) and "synthetic" in policy.sources:
        tables.append(SYNTHETIC_FEEDBACK)
    if isinstance(policy, GrpoPolicy) and policy.with_ruler:
        tables.append(RULER_GROUPS)
    return tables


def _check_results(asset: str, day: str, findings: Sequence[Finding]) -> list[dg.AssetCheckResult]:
    return [check_result(asset, day, finding) for finding in findings]


def _describe(dataset: Dataset) -> dict[str, object]:
    manifest = dataset.manifest
    return {
        "dagster/partition_row_count": sum(dataset.rows.values()),
        "dagster/uri": str(dataset.folder),
        "content": dataset.sha256[:SHOWN_HASH],
        **{f"{split}_rows": rows for split, rows in dataset.rows.items()},
        "candidates": manifest.candidates,
        "selected": manifest.selected,
        **{name: value for name, value in manifest.metrics.items() if value is not None},
        **{name: value for name, value in manifest.tokens.items() if value is not None},
        "dropped": markdown_table({"reason": reason, "candidates": n} for reason, n in manifest.dropped.items()),
    }
