"""The judge model: its endpoint, and its preferences. The work is `rl_assets.judging` and `rl_assets.annotation`."""

from collections.abc import Callable
from datetime import date

import dagster as dg

from rl_assets.annotation import judge_preferences as preferences
from rl_assets.core.home import Home
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.endpoints import EndpointResource
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.evaluation.ab.compare import rated_answers
from rl_assets.judging.summary import JudgeVerdicts
from rl_assets.judging.validation import contradiction
from rl_assets.llm.budget import Budget
from rl_assets.llm.cache import ReplyCache
from rl_assets.llm.client import Judge
from rl_assets.llm.paid_judge import PaidJudge
from rl_assets.llm.prices import price_of, read_prices
from rl_assets.settings import Settings, load_settings
from rl_assets.tables.judge_preferences import JUDGE_PREFERENCES
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS

JUDGE_IS_RELIABLE = (
    "The judge gives one verdict when answers swap positions (consistency of at least 0.6), replies in the requested "
    "form, judges its probes right and obeys no answer; and 50 human preferences or more, where a report has them, do "
    "not contradict it. Passes if no judge is configured."
)


class JudgeResource(EndpointResource):
    """The model that compares answers."""

    @classmethod
    def from_settings(cls, settings: Settings) -> "JudgeResource":
        return cls(base_url=settings.judge_base_url, model=settings.judge_model)

    def judge(self, home: Home, max_calls: int, log: Callable[[str], None]) -> Judge | None:
        """The judge with its cache in the home folder; None if none is configured."""
        endpoint = self.endpoint(load_settings().judge_api_key)
        return Judge(endpoint, ReplyCache(home.reply_cache), max_calls, log) if endpoint else None

    def paid_judge(self, home: Home, budget: Budget, log: Callable[[str], None]) -> PaidJudge | None:
        """The judge with a budget; None if none is configured. ValueError if dollars are limited without a price."""
        endpoint = self.endpoint(load_settings().judge_api_key)
        if endpoint is None:
            return None
        price = price_of(read_prices(home.prices), endpoint.model).price
        return PaidJudge(endpoint, ReplyCache(home.reply_cache), budget, price, log, max_reply_tokens=1024)


def judge_check(
    name: str, asset: str, verdicts: list[JudgeVerdicts], preferences: JudgeVerdicts | None = None
) -> dg.AssetCheckResult:
    """Whether the judge is reliable, over everything that it compared for an asset, and not contradicted by people."""
    problems = sorted({problem for summary in verdicts for problem in summary.problems})
    problems += [sentence for sentence in [contradiction(preferences)] if sentence]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "compared": sum(summary.pairs for summary in verdicts),
            "consistency": ", ".join("–" if f.consistency is None else f"{f.consistency:.2f}" for f in verdicts) or "–",
            "invalid": sum(summary.invalid for summary in verdicts),
            "problems": problems,
        },
    )


class JudgeConfig(dg.Config):
    """How many pairs are compared, and how many calls a run may make; replies from the cache are no calls."""

    judge_pairs: int = 100
    max_judge_calls: int = 1000


@table_asset(
    JUDGE_PREFERENCES,
    deps=[rated_interactions],
    kind="openai",
    checks={"judge_is_reliable": JUDGE_IS_RELIABLE},
)
def judge_preferences(
    context: dg.AssetExecutionContext, home: HomeResource, judge: JudgeResource, config: JudgeConfig
) -> Results:
    """Which of two logged answers to one prompt a judge finds better in both orders, if their rewards do not differ.

    Nothing if no judge is configured, and empty if the judge is unreliable. Pair datasets select them by their strategy
    `judge`.
    """
    service = judge.judge(home.paths, config.max_judge_calls, context.log.info)
    if service is None:
        context.log.info("no judge is configured: no preferences")
        checks = [judge_check("judge_is_reliable", "judge_preferences", [])]
        metadata = {"judge": "none is configured"}
        yield from publish_days(context, lambda _: PublishedDay("no judge", metadata, checks))
        return

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, RATED_INTERACTIONS, day)
        connection = rated_answers(home.lake, day, home.duckdb_memory_limit)
        compared = preferences.judge_preferences(connection, service, day, config.judge_pairs)
        checks = [judge_check("judge_is_reliable", "judge_preferences", [compared.verdicts])]
        published = home.lake.publish(JUDGE_PREFERENCES, date.fromisoformat(day), compared.reader())
        return PublishedDay.of_table(published, checks, **verdicts_metadata(compared.verdicts))

    yield from publish_days(context, publish)


def verdicts_metadata(verdicts: JudgeVerdicts) -> dict[str, object]:
    """How the judge behaved, as values that plot over days."""
    counts = verdicts.model_dump(include={"pairs", "ties", "invalid", "skipped", "calls", "from_cache", "tokens"})
    rates = verdicts.model_dump(include={"consistency", "first_position", "tie_rate"}, exclude_none=True)
    return {"judge": verdicts.model, **counts, **rates}
