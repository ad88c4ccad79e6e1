"""A panel of judges that scores logged answers. The work is `rl_assets.annotation.synthetic_feedback`."""

import os
from collections.abc import Callable
from datetime import date

import dagster as dg
from pydantic import Field

from rl_assets.annotation.synthetic_feedback import (
    Panel,
    SyntheticFeedback,
    score_answers,
    weighing_of,
)
from rl_assets.core.home import Home
from rl_assets.datasets.dimensions import connect_to_ratings
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.endpoints import NO_KEY
from rl_assets.defs.shared.metadata import markdown_table
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.judging.panel_beliefs import MIN_ANSWERS, MIN_RHO, Belief
from rl_assets.judging.personas import FIVE_WEIGHTS, PanelFile, PanelJudge, read_panel
from rl_assets.llm.budget import Budget
from rl_assets.llm.cache import ReplyCache
from rl_assets.llm.client import Endpoint
from rl_assets.llm.paid_judge import PaidJudge
from rl_assets.llm.prices import PriceTable, price_of, read_prices
from rl_assets.rewards.weighing import Weighing, parse_weighing, read_weighing
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.synthetic_feedback import SYNTHETIC_FEEDBACK

CHECK = "panel_is_believed"
PANEL_IS_BELIEVED = (
    "Every judge of the panel scores its test questions right, and of every dimension the panel's scores follow "
    f"people's: Spearman's rho of {MIN_RHO} or more over {MIN_ANSWERS} rated answers or more, its interval above 0, "
    "and at most 0.1 below one rater's. No dataset reads scores of another dimension. Passes if there is no panel.yaml."
)
SHOWN = 20


class PanelConfig(dg.Config):
    """Which answers the panel scores, and what a run may cost. Replies from the cache cost nothing."""

    max_answers: int = Field(100, ge=0, description="Maximum number of unjudged training answers per day.")
    validation_answers: int = Field(
        60, ge=0, description="Answers that people rated, per dimension, on which the panel is measured first."
    )
    max_calls: int = Field(1000, ge=0, description="Maximum number of calls per run, of all judges together.")
    max_tokens: int | None = Field(None, ge=0, description="Maximum number of tokens per run, prompts included.")
    max_usd: float | None = Field(None, ge=0, description="Maximum US dollars per run, by prices.yaml.")
    max_reply_tokens: int = Field(400, ge=1, description="Maximum number of tokens per reply.")


def assemble(home: Home, file: PanelFile, config: PanelConfig, log: Callable[[str], None]) -> Panel:
    """The panel with its keys, prices and one budget. ValueError names a key that is not set, or a missing price."""
    budget = Budget(config.max_calls, config.max_tokens, config.max_usd)
    prices = read_prices(home.prices)
    judges = {one.name: _judge(home, one, budget, prices, config, log) for one in file.judges}
    return Panel(file, judges, weighing_of(file, _weighing(home, file)))


def _judge(
    home: Home,
    judge: PanelJudge,
    budget: Budget,
    prices: PriceTable,
    config: PanelConfig,
    log: Callable[[str], None],
) -> PaidJudge:
    key = os.environ.get(judge.key) if judge.key else NO_KEY
    if not key:
        raise ValueError(
            f"{home.panel}: judge {judge.name} reads its key from the environment variable {judge.key}, which is not "
            "set: set it, or remove `key` for a server that needs none"
        )
    endpoint = Endpoint(judge.base_url, judge.model, key, judge.timeout_s, judge.retries, judge.concurrency)
    price = price_of(prices, judge.model).price
    return PaidJudge(endpoint, ReplyCache(home.reply_cache), budget, price, log, config.max_reply_tokens)


def _weighing(home: Home, file: PanelFile) -> Weighing:
    own = home.folder / "rewards.yaml"
    if file.preset == "five" and not own.is_file():
        return parse_weighing({name: {"weight": weight} for name, weight in FIVE_WEIGHTS.items()})
    return read_weighing(own)


@table_asset(
    SYNTHETIC_FEEDBACK, deps=[rated_interactions], group="rewards", kind="openai", checks={CHECK: PANEL_IS_BELIEVED}
)
def synthetic_feedback(context: dg.AssetExecutionContext, home: HomeResource, config: PanelConfig) -> Results:
    """Scores of logged answers by a panel of judge personas (`panel.yaml`), one dimension per call, with their cost.

    Nothing without a panel. Datasets read the weighed score of training answers that nobody else judged, if it is
    believed and their `sources` name `synthetic`.
    """
    file = read_panel(home.paths.panel)
    if file is None:
        context.log.info(f"there is no {home.paths.panel}: no synthetic feedback")
        nothing = PublishedDay("no panel", {"panel": "none is configured"}, [_check([])])
        yield from publish_days(context, lambda _: nothing)
        return
    panel = assemble(home.paths, file, config, context.log.info)

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, RATED_INTERACTIONS, day)
        connection = connect_to_ratings(home.lake, home.window(day), home.duckdb_memory_limit)
        scored = score_answers(
            connection, panel, day, config.max_answers, config.validation_answers, tuple(home.detectors)
        )
        published = home.lake.publish(SYNTHETIC_FEEDBACK, date.fromisoformat(day), scored.reader())
        return PublishedDay.of_table(published, [_check(_problems(scored))], **_metadata(panel, scored))

    yield from publish_days(context, publish)
    for name, judge in panel.judges.items():
        context.log.info(f"{name}: {judge.calls} calls, {judge.from_cache} from the cache, {judge.tokens:,} tokens")


def _problems(scored: SyntheticFeedback) -> list[str]:
    if not scored.answers:
        return [
            "There is no answer to score: none that people rated by the panel's dimensions, and no unjudged one of the "
            "training split."
        ]
    return scored.problems


def _check(problems: list[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(dict.fromkeys(problems)) or None,
        metadata={"problems": problems},
    )


def _metadata(panel: Panel, scored: SyntheticFeedback) -> dict[str, object]:
    weighed = "weighed by rewards.yaml" if panel.weighing else "none: rewards.yaml weighs what no persona scores"
    human = panel.file.human_label_usd
    return {
        "panel": ", ".join(sorted(judge.endpoint.model for judge in panel.judges.values())),
        "overall": weighed,
        "answers": scored.answers,
        **scored.outcomes,
        "calls": sum(judge.calls for judge in panel.judges.values()),
        "not_asked": len(scored.not_asked),
        **({"first_not_asked": ", ".join(scored.not_asked[:SHOWN])} if scored.not_asked else {}),
        "beliefs": markdown_table(map(_belief_row, scored.beliefs)),
        "costs": markdown_table(_cost_row(row, human) for row in scored.costs),
    }


def _belief_row(belief: Belief) -> dict[str, object]:
    preference = ", ".join(f"{model} {value:+.2f}" for model, value in belief.self_preference.items())
    return {
        "dimension": belief.dimension,
        "believed": "yes" if belief.believed else "no",
        "labels": belief.labels,
        "rated by people": belief.answers,
        "rho with people": _shown(belief.rho),
        "rho of one rater": _shown(belief.one_rater),
        "alpha of the judges": _shown(belief.alpha),
        "change per doubled length": _shown(belief.length_slope),
        "own answers less others": preference or "–",
        "worth as many labels of people": _shown(belief.human_equal_labels, "0.0f"),
    }


def _shown(value: object, spec: str = ".2f") -> str:
    return "–" if value is None else format(value, spec)


def _cost_row(row: dict[str, object], human_label_usd: float | None) -> dict[str, object]:
    """A line of costs, with those of a label, and what people's labels would have cost if their price is known."""
    scores, usd, seconds = row["scores"], row["usd"], row["seconds"]
    assert isinstance(scores, int) and isinstance(seconds, float)
    label_usd = usd / scores if isinstance(usd, float) and scores else None
    own: dict[str, object] = {
        "usd per label": _shown(label_usd, ".6f"),
        "seconds per label": _shown(seconds / scores if scores else None),
    }
    if human_label_usd is not None:
        own["people's labels, usd"] = f"{scores * human_label_usd:.2f}"
    return {**row, "usd": _shown(usd, ".6f"), **own}
