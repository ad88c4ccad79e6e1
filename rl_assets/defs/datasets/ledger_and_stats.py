"""Accounts of the datasets as of each day: where every answer went, and how much there is. No dataset is built here."""

import json
from collections.abc import Mapping

import dagster as dg

from rl_assets.datasets.ledger import LedgerError, write_ledger
from rl_assets.datasets.stats import LEAST_HIGH_QUALITY, MOST_ERRORS, StatsOfDay, write_stats
from rl_assets.defs.datasets.datasets import dpo_dataset, grpo_dataset, kto_dataset, reward_dataset, sft_dataset
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.metadata import Results, column_schema, markdown_table, materialized, published_metadata
from rl_assets.defs.shared.owners import DATA_TEAM
from rl_assets.defs.shared.partitions import days, one_run
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.tables.dataset_ledger import LEDGER
from rl_assets.tables.interaction_stats import STATS

ALL = [rated_interactions, sft_dataset, dpo_dataset, reward_dataset, kto_dataset, grpo_dataset]
SUMS = "sums_match_every_dataset"


@dg.asset(
    partitions_def=days,
    backfill_policy=one_run,
    deps=ALL,
    check_specs=[
        dg.AssetCheckSpec(
            SUMS,
            asset=LEDGER.name,
            blocking=True,
            description="The ledger's counts are those of every manifest, and every answer stands in as many rows of "
            "the datasets' files as the ledger says.",
        )
    ],
    group_name="datasets",
    kinds={"duckdb", "deltalake"},
    owners=DATA_TEAM,
    metadata={"dagster/column_schema": column_schema(LEDGER)},
)
def dataset_ledger(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """For every answer of the window: which datasets took it and, for each that did not, the one reason why."""
    versions = {}
    for day in context.partition_keys:
        try:
            ledger = write_ledger(home.lake, home.window(day), home.paths.datasets(), home.duckdb_memory_limit)
        except LedgerError as error:
            yield _sums(passed=False, day=day, found=str(error))
            raise dg.Failure(str(error), allow_retries=False) from error
        versions[day] = ledger.published.sha256
        shown = {"answers_by_fate": markdown_table(_by_fate(ledger.accounts))}
        context.add_asset_metadata({**published_metadata(ledger.published), **shown}, partition_key=day)
    checks = [_sums(passed=True, day=context.partition_keys[-1], found="equal")]
    yield from materialized(context, LEDGER.name, versions, checks)


def _sums(*, passed: bool, day: str, found: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=LEDGER.name, check_name=SUMS, passed=passed, metadata={"day": day, "found": found}
    )


def _by_fate(accounts: Mapping[str, Mapping[str, int]]) -> list[dict[str, object]]:
    fates = sorted(
        {fate for account in accounts.values() for fate in account}, key=lambda fate: (fate != "taken", fate)
    )
    return [{"fate": fate, **{name: account.get(fate, 0) for name, account in accounts.items()}} for fate in fates]


@dg.asset(
    partitions_def=days,
    backfill_policy=one_run,
    deps=ALL,
    check_specs=[
        dg.AssetCheckSpec(
            "most_rated_answers_are_good",
            asset=STATS.name,
            description=f"{LEAST_HIGH_QUALITY:.0%} or more of the window's rated answers have a reward of 0.8 or more.",
        ),
        dg.AssetCheckSpec(
            "few_answers_failed",
            asset=STATS.name,
            description=f"{MOST_ERRORS:.0%} or fewer of the window's answers failed.",
        ),
    ],
    group_name="datasets",
    kinds={"duckdb", "deltalake"},
    owners=DATA_TEAM,
    metadata={"dagster/column_schema": column_schema(STATS)},
)
def interaction_stats(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """How the product did on each day and over the trailing window, what could be built, and what that is worth."""
    versions = {}
    for day in context.partition_keys:
        stats = write_stats(home.lake, home.window(day), home.paths.datasets(), home.duckdb_memory_limit)
        versions[day] = stats.published.sha256
        context.add_asset_metadata(_figures(stats), partition_key=day)
    yield from materialized(context, STATS.name, versions, _warnings(stats))


def _figures(stats: StatsOfDay) -> dict[str, object]:
    """The window's figures, which plot over days; the day's in a table beside them."""
    figures = {name: value for name, value in stats.window.items() if isinstance(value, int | float)}
    return {
        **published_metadata(stats.published),
        "recommendation": stats.window["recommendation"],
        **figures,
        "by_agent": json.loads(stats.window["by_agent"]),
        "by_category": json.loads(stats.window["by_category"]),
        "day_and_window": markdown_table(
            {"figure": name, "day": stats.day[name], "window": stats.window[name]} for name in figures
        ),
    }


def _warnings(stats: StatsOfDay) -> list[dg.AssetCheckResult]:
    good, errors = stats.window["high_quality_rate"], stats.window["error_rate"]
    return [
        dg.AssetCheckResult(
            asset_key=STATS.name,
            check_name=name,
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"observed": observed},
        )
        for name, passed, observed in (
            ("most_rated_answers_are_good", good >= LEAST_HIGH_QUALITY, good),
            ("few_answers_failed", errors <= MOST_ERRORS, errors),
        )
    ]
