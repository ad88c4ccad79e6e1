"""The teacher model: its endpoint, and its answers. The work is `rl_assets.annotation.teacher`."""

from collections.abc import Callable
from datetime import date

import dagster as dg
from pydantic import Field

from rl_assets.annotation.teacher import Limits, Teacher, distill
from rl_assets.core.home import Home
from rl_assets.datasets.ratings import rated_as_of
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.shared.days_of_run import require_input
from rl_assets.defs.shared.endpoints import EndpointResource
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import (
    PublishedDay,
    Results,
    materialized,
    publish_days,
    publish_each,
    table_asset,
)
from rl_assets.llm.cache import ReplyCache
from rl_assets.llm.prices import price_of, read_prices
from rl_assets.settings import Settings, load_settings
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.teacher_answers import TEACHER_ANSWERS


class TeacherResource(EndpointResource):
    """The model that answers prompts without a good logged answer."""

    @classmethod
    def from_settings(cls, settings: Settings) -> "TeacherResource":
        return cls(base_url=settings.teacher_base_url, model=settings.teacher_model)

    def teacher(self, home: Home, max_calls: int, limits: Limits, log: Callable[[str], None]) -> Teacher | None:
        """The teacher with its replies in the home folder; None if none is configured."""
        endpoint = self.endpoint(load_settings().teacher_api_key)
        if endpoint is None:
            return None
        price = price_of(read_prices(home.prices), endpoint.model).price
        # In the same folder as the judge's replies: an erasure removes them all.
        return Teacher(endpoint, ReplyCache(home.reply_cache), max_calls, log, limits, price)


class TeacherConfig(dg.Config):
    """Which prompts the teacher answers, and what a run may cost. Replies from the cache cost nothing."""

    reward_below: float = Field(0.8, description="Prompts whose best logged reward is below this; above 1 for all.")
    max_prompts: int = Field(
        1000, ge=1, description="Maximum number of prompts per day that get an answer of the teacher."
    )
    max_calls: int = Field(1000, ge=0, description="Maximum number of calls per run.")
    max_tokens: int = Field(1024, ge=1, description="Maximum number of tokens per answer.")
    max_usd: float | None = Field(None, description="Maximum US dollars per run, by the model's price in prices.yaml.")


@table_asset(TEACHER_ANSWERS, deps=[rated_interactions], kind="openai")
def teacher_answers(
    context: dg.AssetExecutionContext, home: HomeResource, teacher: TeacherResource, config: TeacherConfig
) -> Results:
    """A teacher's answers to training prompts that have no good logged answer. Nothing if no teacher is configured."""
    limits = Limits(config.max_tokens, config.max_usd)
    service = teacher.teacher(home.paths, config.max_calls, limits, context.log.info)
    if service is None:
        context.log.info("no teacher is configured: no answers")
        yield from publish_days(context, lambda _: PublishedDay("no teacher", {"teacher": "none is configured"}))
        return

    def publish(day: str) -> PublishedDay:
        require_input(context, home.lake, RATED_INTERACTIONS, day)
        connection = rated_as_of(home.lake, home.window(day), home.duckdb_memory_limit)
        answers = distill(connection, service, day, config.reward_below, config.max_prompts)
        published = home.lake.publish(TEACHER_ANSWERS, date.fromisoformat(day), answers.reader())
        return PublishedDay.of_table(published, prompts=answers.prompts, dropped=answers.dropped)

    published_days = yield from publish_each(context, publish)
    context.log.info(f"{service.calls} calls, {service.from_cache} from the cache, {service.tokens:,} tokens")
    context.add_output_metadata(_cost(service))
    yield from materialized(context, TEACHER_ANSWERS.name, published_days)


def _cost(service: Teacher) -> dict[str, str | int | float]:
    return {
        "teacher": service.endpoint.model,
        "calls": service.calls,
        "from_cache": service.from_cache,
        "tokens": service.tokens,
        **({"usd": round(service.usd, 6)} if service.price else {}),
    }
