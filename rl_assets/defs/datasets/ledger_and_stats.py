"""Ledger and statistics of the datasets as of each day: the outcome of every answer, and counts and rates.

They are computed in `rl_assets.datasets`.
"""

import json
from collections.abc import Mapping
from typing import Any

import dagster as dg

from rl_assets.datasets.ledger import LedgerError, write_ledger
from rl_assets.datasets.stats import MAX_ERROR_RATE, MIN_HIGH_QUALITY_RATE, StatsOfDay, write_stats
from rl_assets.defs.datasets.datasets import dpo_dataset, grpo_dataset, kto_dataset, reward_dataset, sft_dataset
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, RejectedDayError, Results, publish_days, table_asset
from rl_assets.models.counting_tokenizer import EstimatingTokenizer, NoTokenizerError, counting_tokenizer
from rl_assets.recipes.recipe import Recipe, named_recipe
from rl_assets.tables.dataset_ledger import LEDGER
from rl_assets.tables.interaction_stats import STATS
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.training.readiness import usable_rows

RATINGS_AND_DATASETS = [rated_interactions, sft_dataset, dpo_dataset, reward_dataset, kto_dataset, grpo_dataset]
SUMS = "sums_match_every_dataset"
SUMS_MATCH = (
    "The ledger's counts are those of every manifest, and every answer is in as many rows of the datasets' files "
    "as the ledger counts."
)
WARNINGS = {
    "most_rated_answers_are_good": (
        f"{MIN_HIGH_QUALITY_RATE:.0%} or more of the window's rated answers have a reward of 0.8 or more."
    ),
    "few_answers_failed": f"{MAX_ERROR_RATE:.0%} or fewer of the window's answers failed.",
}


@table_asset(LEDGER, deps=RATINGS_AND_DATASETS, checks={SUMS: SUMS_MATCH}, blocking=True)
def dataset_ledger(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """For every answer of the window: which datasets contain it and, for each that does not, the one reason."""

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, RATED_INTERACTIONS, day)
        try:
            ledger = write_ledger(home.lake, home.window(day), home.paths.datasets(), home.duckdb_memory_limit)
        except LedgerError as error:
            raise RejectedDayError(str(error), [_sums(passed=False, day=day, result=str(error))]) from error
        checks = [_sums(passed=True, day=day, result="equal")]
        outcomes = markdown_table(_by_outcome(ledger.accounts))
        return PublishedDay.of_table(ledger.published, checks, answers_by_outcome=outcomes)

    yield from publish_days(context, publish)


def _sums(*, passed: bool, day: str, result: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=LEDGER.name, check_name=SUMS, passed=passed, metadata={"day": day, "result": result}
    )


def _by_outcome(accounts: Mapping[str, Mapping[str, int]]) -> list[dict[str, object]]:
    outcomes = {outcome for account in accounts.values() for outcome in account}
    return [
        {"outcome": outcome, **{name: account.get(outcome, 0) for name, account in accounts.items()}}
        for outcome in sorted(outcomes, key=lambda outcome: (outcome != "selected", outcome))
    ]


@table_asset(STATS, deps=RATINGS_AND_DATASETS, checks=WARNINGS)
def interaction_stats(context: dg.AssetExecutionContext, home: HomeResource) -> Results:
    """The product's quality on each day and over the trailing window, the sizes of its datasets, and what would train.

    Rows to train on are counted by the deployment's recipe, with the tokenizer of its base model.
    """
    recipe = named_recipe(home.recipe)
    tokenizer = _tokenizer(context, home, recipe)

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, RATED_INTERACTIONS, day)
        trainable = {one.kind: one for one in usable_rows(home.paths, day, recipe, tokenizer)}
        datasets, limit = home.paths.datasets(), home.duckdb_memory_limit
        stats = write_stats(home.lake, home.window(day), datasets, trainable, limit)
        return PublishedDay.of_table(stats.published, _warnings(stats), **_metrics(stats))

    yield from publish_days(context, publish)


def _tokenizer(context: dg.AssetExecutionContext, home: HomeResource, recipe: Recipe) -> Any:
    """The base model's tokenizer; an estimate where it cannot be had, since statistics need no model."""
    try:
        return counting_tokenizer(home.base_model, home.paths.models, recipe.chat_template)
    except NoTokenizerError as error:
        context.log.warning(f"{error}; lengths are estimated from the characters")
        return EstimatingTokenizer()


def _metrics(stats: StatsOfDay) -> dict[str, object]:
    """The window's metrics, which plot over days, and a table that compares the day with the window."""
    metrics = {name: value for name, value in stats.window.items() if isinstance(value, int | float)}
    return {
        "recommendation": stats.window["recommendation"],
        **metrics,
        "by_agent": json.loads(stats.window["by_agent"]),
        "by_category": json.loads(stats.window["by_category"]),
        "day_and_window": markdown_table(
            {"metric": name, "day": stats.day[name], "window": stats.window[name]} for name in metrics
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
            ("most_rated_answers_are_good", good >= MIN_HIGH_QUALITY_RATE, good),
            ("few_answers_failed", errors <= MAX_ERROR_RATE, errors),
        )
    ]
