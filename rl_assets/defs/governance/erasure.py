"""The job that erases users and answers, started by hand. The work is done in `rl_assets.governance.erasure`."""

from collections.abc import Iterable
from typing import Any

import dagster as dg
from pydantic import Field

from rl_assets.defs.governance.event_log_search import runs_that_show
from rl_assets.defs.shared.metadata import markdown_table, published_metadata
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import DATA_VERSION
from rl_assets.governance.affected_adapters import AffectedAdapter
from rl_assets.governance.erasure import (
    Erasure,
    RowsRemainError,
    erase_scope,
    keep_report,
    plan_erasure,
    scope_of,
    with_service,
)
from rl_assets.governance.table_rows import rejected_lines
from rl_assets.lake.table import Table
from rl_assets.lake.tombstones import Erased, hash_user
from rl_assets.models.adapters import SECOND_REWARD_MODEL
from rl_assets.service.database import StoreError
from rl_assets.tables.catalog import INTERNAL_TABLES, RECORD_TABLES
from rl_assets.tables.dataset_ledger import LEDGER
from rl_assets.tables.dataset_manifest import read_manifest

RECORD_ASSETS = [table for table in RECORD_TABLES if table not in INTERNAL_TABLES]


class EraseConfig(dg.Config):
    """Whom and what to erase. Dagster keeps a run's configuration: `user_hashes` reveal no name."""

    users: list[str] = Field([], description="User ids as written in the logs.")
    user_hashes: list[str] = Field([], description="What `python -m rl_assets.governance.user_hash <id>` prints.")
    interactions: list[str] = Field([], description="Ids of interactions.")
    dry_run: bool = Field(False, description="Only show what would be erased.")
    delete_runs: bool = Field(False, description="Delete Dagster runs whose events show texts of the erased.")

    def order(self, user_key: bytes) -> Erased:
        users = {hash_user(user.strip(), user_key) for user in self.users} | set(self.user_hashes)
        return Erased(frozenset(self.interactions), frozenset(users))


@dg.op(pool="prompt_clusters")
def erase_records(context: dg.OpExecutionContext, home: HomeResource, config: EraseConfig) -> None:
    """Drop every row of the erased, and report the adapters that learned from them."""
    key, lake, limit = home.user_hash_key(), home.lake, home.duckdb_memory_limit
    order = config.order(key)
    if config.dry_run:
        planned = plan_erasure(home.paths, lake, order, key, limit)
        held = home.erase_from_service(scope_of(lake, order, limit).erased, dry_run=True)
        context.add_output_metadata(_metadata(with_service(planned, held.rows, held.files)))
        return
    _require_no_other_run(context)
    scope = scope_of(lake, order, limit)
    texts = scope.texts | rejected_lines(lake, scope, key)
    try:
        done = erase_scope(home.paths, lake, order, scope, key, context.log.info)
        held = home.erase_from_service(scope.erased)
    except (RowsRemainError, StoreError) as error:
        raise dg.Failure(str(error)) from error
    done = with_service(done, held.rows, held.files)
    keep_report(home.paths, done)
    _make_stale(context, home, done)
    for adapter in done.affected_adapters:
        _observe(context, adapter, done.name)
    shown = runs_that_show(context.instance, texts)
    for run in shown if config.delete_runs else ():
        context.instance.delete_run(run)
    context.add_output_metadata(
        {
            **_metadata(done),
            "report": dg.MetadataValue.path(home.paths.erasures / f"{done.name}.json"),
            "deleted_runs" if config.delete_runs else "runs_that_show_texts": shown,
        }
    )


def _require_no_other_run(context: dg.OpExecutionContext) -> None:
    unfinished = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
    others = [
        run.run_id
        for run in context.instance.get_runs(dg.RunsFilter(statuses=unfinished))
        if run.run_id != context.run_id
    ]
    if others:
        raise dg.Failure(
            f"runs {', '.join(run[:8] for run in others)} are in progress and might publish what is erased: "
            "start the erasure again when they have ended",
            allow_retries=False,
        )


def _make_stale(context: dg.OpExecutionContext, home: HomeResource, done: Erasure) -> None:
    """Report the new content of each changed day to Dagster, so that everything made from the old one is stale.

    Assets furthest from the raw tables come first: they are stale if something upstream is newer.
    """
    _changed_tables(context, home, done, (LEDGER,))
    for held in done.datasets:
        manifest = read_manifest(home.paths.datasets(held.name, held.day))
        if manifest and sum(held.rows.values()):
            rows = {
                "dagster/partition_row_count": sum(manifest.rows.values()),
                "erased_rows": sum(held.rows.values()),
            }
            _changed(context, held.name, held.day, rows, manifest.sha256)
    _changed_tables(context, home, done, RECORD_ASSETS)


def _changed_tables(context: dg.OpExecutionContext, home: HomeResource, done: Erasure, tables: Iterable[Table]) -> None:
    for table in tables:
        for day, rows in done.rows.get(table.name, {}).items():
            published = home.lake.published(table, day)
            _changed(context, table.name, day, {**published_metadata(published), "erased_rows": rows}, published.sha256)


def _changed(context: dg.OpExecutionContext, asset: str, day: str, metadata: dict[str, Any], version: str) -> None:
    context.log_event(dg.AssetMaterialization(asset, partition=day, metadata=metadata, tags={DATA_VERSION: version}))


def _observe(context: dg.OpExecutionContext, adapter: AffectedAdapter, erasure: str) -> None:
    asset = "reward_model" if adapter.kind == "reward" else f"{adapter.kind}_adapter"
    asset = f"{adapter.segment}_{asset}" if adapter.segment else asset
    asset = SECOND_REWARD_MODEL if adapter.segment == SECOND_REWARD_MODEL else asset
    metadata = {"learned_from_erased_rows": adapter.rows, "reason": adapter.reason, "erasure": erasure}
    context.log_event(dg.AssetObservation(asset, partition=adapter.day, metadata=metadata))


def _metadata(erasure: Erasure) -> dict[str, Any]:
    tables = [{"table": name, "days": len(days), "rows": sum(days.values())} for name, days in erasure.rows.items()]
    datasets = [{"dataset": held.name, "day": held.day, **held.rows} for held in erasure.datasets]
    adapters = [
        {"adapter": one.folder, "day": one.day, "rows": one.rows, "reason": one.reason}
        for one in erasure.affected_adapters
    ]
    return {
        "rows_by_table": markdown_table(tables),
        "datasets": markdown_table(datasets),
        "affected_adapters": markdown_table(adapters),
        "champion_is_affected": erasure.champion_is_affected,
        "service_rows": markdown_table(
            {"table": name, "rows": rows} for name, rows in sorted(erasure.service_rows.items())
        ),
        "gateway_lines_that_had_not_landed": erasure.waiting_lines,
        "service_files_written_again": erasure.service_files,
        "landing_files_that_remain": erasure.landing_files,
        "quoting_reports": erasure.reports,
        "reply_cache_emptied": erasure.reply_cache_emptied,
    }


@dg.job(
    description="Permanently removes the given users and interactions from lake, datasets, reports and the feedback "
    "service, and reports adapters that learned from them. The configuration of the run is kept: prefer hashes to ids."
)
def erase() -> None:
    erase_records()
