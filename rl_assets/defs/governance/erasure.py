"""Erasing people and answers: one job, started by a person. What it does is `rl_assets.governance.erasure`."""

from collections.abc import Iterable
from typing import Any

import dagster as dg
from pydantic import Field

from rl_assets.datasets.folder import read_manifest
from rl_assets.defs.governance.event_log_search import runs_that_show
from rl_assets.defs.shared.metadata import markdown_table, published_metadata
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import DATA_VERSION
from rl_assets.governance.erasure import Erasure, StillThereError, erase_traces, planned, trace
from rl_assets.governance.sweeping import refused_lines
from rl_assets.governance.tainted import TaintedAdapter
from rl_assets.lake.table import Table
from rl_assets.lake.tombstones import Erased, hashed
from rl_assets.tables.dataset_ledger import LEDGER
from rl_assets.tables.features import FEATURES
from rl_assets.tables.judge_preferences import JUDGE_PREFERENCES
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS
from rl_assets.tables.teacher_answers import TEACHER_ANSWERS

# Those that are assets, each after what is made of it.
TABLES = (JUDGE_PREFERENCES, TEACHER_ANSWERS, RATED_INTERACTIONS, FEATURES, REJECTED_RECORDS, FEEDBACK, INTERACTIONS)


class EraseConfig(dg.Config):
    """Whom and what to erase. Dagster keeps a run's configuration: `user_hashes` tell nobody's name."""

    users: list[str] = Field([], description="Ids as the logs say them.")
    user_hashes: list[str] = Field([], description="What `python -m rl_assets.governance.user_hash <id>` prints.")
    interactions: list[str] = Field([], description="Ids of answers.")
    dry_run: bool = Field(False, description="Only show what would go.")
    delete_runs: bool = Field(False, description="Delete runs whose events show texts of the erased.")

    def order(self, user_key: bytes) -> Erased:
        users = {hashed(user.strip(), user_key) for user in self.users} | set(self.user_hashes)
        return Erased(frozenset(self.interactions), frozenset(users))


@dg.op(pool="prompt_clusters")
def erase_every_trace(context: dg.OpExecutionContext, home: HomeResource, config: EraseConfig) -> None:
    """Drop every row of the erased, and say which adapters had learned from them."""
    key, lake, limit = home.user_hash_key(), home.lake, home.duckdb_memory_limit
    order = config.order(key)
    if config.dry_run:
        context.add_output_metadata(_metadata(planned(home.paths, lake, order, key, limit)))
        return
    _nothing_else_runs(context)
    traces = trace(lake, order, limit)
    texts = traces.texts | refused_lines(lake, traces, key)
    try:
        done = erase_traces(home.paths, lake, order, traces, key, context.log.info)
    except StillThereError as error:
        raise dg.Failure(str(error)) from error
    _make_stale(context, home, done)
    for adapter in done.tainted_adapters:
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


def _nothing_else_runs(context: dg.OpExecutionContext) -> None:
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
    """Tell Dagster the new content of each day that was changed, so that whatever was made of the old one is stale.

    What lies furthest from the raw tables comes first: it is stale where something before it is newer.
    """
    _changed_tables(context, home, done, (LEDGER,))
    for held in done.datasets:
        manifest = read_manifest(home.paths.datasets(held.name, held.day))
        if manifest and sum(held.rows.values()):
            rows = {
                "dagster/partition_row_count": sum(manifest["rows"].values()),
                "erased_rows": sum(held.rows.values()),
            }
            _changed(context, held.name, held.day, rows, manifest["sha256"])
    _changed_tables(context, home, done, TABLES)


def _changed_tables(context: dg.OpExecutionContext, home: HomeResource, done: Erasure, tables: Iterable[Table]) -> None:
    for table in tables:
        for day, rows in done.rows.get(table.name, {}).items():
            published = home.lake.published(table, day)
            _changed(context, table.name, day, {**published_metadata(published), "erased_rows": rows}, published.sha256)


def _changed(context: dg.OpExecutionContext, asset: str, day: str, metadata: dict[str, Any], version: str) -> None:
    context.log_event(dg.AssetMaterialization(asset, partition=day, metadata=metadata, tags={DATA_VERSION: version}))


def _observe(context: dg.OpExecutionContext, adapter: TaintedAdapter, erasure: str) -> None:
    asset = "reward_model" if adapter.kind == "reward" else f"{adapter.kind}_adapter"
    asset = f"{adapter.segment}_{asset}" if adapter.segment else asset
    metadata = {"learned_from_erased_rows": adapter.rows, "why": adapter.why, "erasure": erasure}
    context.log_event(dg.AssetObservation(asset, partition=adapter.day, metadata=metadata))


def _metadata(found: Erasure) -> dict[str, Any]:
    tables = [{"table": name, "days": len(days), "rows": sum(days.values())} for name, days in found.rows.items()]
    datasets = [{"dataset": held.name, "day": held.day, **held.rows} for held in found.datasets]
    adapters = [
        {"adapter": one.folder, "day": one.day, "rows": one.rows, "why": one.why} for one in found.tainted_adapters
    ]
    return {
        "rows_by_table": markdown_table(tables),
        "datasets_that_held_them": markdown_table(datasets),
        "adapters_that_learned_from_them": markdown_table(adapters),
        "champion_is_among_them": found.champion_is_tainted,
        "landing_files_that_still_hold_them": found.landing_files,
        "reports_that_quoted_them": found.reports,
        "judge_replies_emptied": found.judge_replies,
    }


@dg.job(
    description="Every row of the given users and interactions leaves lake, datasets and reports, for good; adapters "
    "that learned from them are named. The configuration of the run is kept: prefer hashes to ids."
)
def erase() -> None:
    erase_every_trace()
