"""Groups of answers that a judge scored as a whole. The work is `rl_assets.annotation.ruler_groups`."""

from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field

from rl_assets.annotation import ruler_groups as groups
from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.evaluation.ab.compare import rated_answers
from rl_assets.llm.budget import Budget
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.ruler_groups import RULER_GROUPS

CHECK = "orders_agree"
ORDERS_AGREE = (
    f"Kendall's tau of a group's scores in two orders of its answers is {groups.MIN_TAU} or more in the mean over "
    f"{groups.MIN_GROUPS} groups or more; otherwise no group is published. Passes if no judge is configured, or no "
    "prompt has answers that rewards do not tell apart."
)


class RulerConfig(dg.Config):
    """How many groups are scored, by which rubric, and what a run may cost. Replies from the cache cost nothing."""

    most_groups: int = Field(100, ge=1, description="Maximum number of prompts per day whose answers are scored.")
    max_calls: int = Field(1000, ge=0, description="Maximum number of calls per run; a group takes two.")
    max_usd: float | None = Field(
        None, ge=0, description="Maximum US dollars per run, by the model's price in prices.yaml."
    )
    rubric: str | None = Field(None, min_length=1, description="What a good answer is, in place of the default rubric.")


@table_asset(RULER_GROUPS, deps=[rated_interactions], group="rewards", kind="openai", checks={CHECK: ORDERS_AGREE})
def ruler_groups(
    context: dg.AssetExecutionContext, home: HomeResource, judge: JudgeResource, config: RulerConfig
) -> Results:
    """Answers to one prompt that rewards do not tell apart, scored by a judge in one call, in two shuffled orders.

    Nothing if no judge is configured, and empty if the two orders disagree. `grpo_dataset` uses them if its `scorers`
    name `ruler`; the scores compare inside a group only.
    """
    service = judge.paid_judge(home.paths, Budget(config.max_calls, max_usd=config.max_usd), context.log.info)
    if service is None:
        context.log.info("no judge is configured: no groups")
        nothing = PublishedDay("no judge", {"judge": "none is configured"}, [_check([])])
        yield from publish_days(context, lambda _: nothing)
        return

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, RATED_INTERACTIONS, day)
        connection = rated_answers(home.lake, day, home.duckdb_memory_limit)
        scored = groups.ruler_groups(connection, service, day, config.most_groups, config.rubric)
        published = home.lake.publish(RULER_GROUPS, date.fromisoformat(day), scored.reader())
        checks = [_check(scored.problems, scored)]
        return PublishedDay.of_table(published, checks, judge=service.endpoint.model, **_metadata(scored))

    yield from publish_days(context, publish)
    budget = service.budget
    context.log.info(f"{budget.calls} calls, {service.from_cache} from the cache, {budget.tokens:,} tokens")


def _check(problems: list[str], scored: groups.RulerGroups | None = None) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"problems": problems, **(_metadata(scored) if scored else {})},
    )


def _metadata(scored: groups.RulerGroups) -> dict[str, Any]:
    taus = {"tau": scored.tau, "tau_with_rewards": scored.tau_with_rewards}
    return {
        "groups": scored.groups,
        **scored.outcomes,
        **{name: f"{value:.2f}" for name, value in taus.items() if value},
    }
