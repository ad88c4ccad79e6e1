"""REST of products and routers: rewards of answers, which arm answers, and what the router has learned."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Response

from rl_assets.routing.leaderboard import leaderboard
from rl_assets.service.access import allowed_brand, require_key
from rl_assets.service.answer_brands import AnswerBrands
from rl_assets.service.bandit_tables import newest_state, statistics
from rl_assets.service.key_rows import Key
from rl_assets.service.lake_reads import LakeReads
from rl_assets.service.reward_requests import keep_reward
from rl_assets.service.route_policies import RoutePolicies
from rl_assets.service.route_requests import RouteRequest, choose_arm
from rl_assets.service.state import Service
from rl_assets.service.waiting_rewards import waiting_rewards, with_waiting

Reply = dict[str, Any]


def router(service: Service) -> APIRouter:
    """The routes, on the parts of one service."""
    routes = APIRouter()
    reads = LakeReads.from_settings(service.settings)
    brands = AnswerBrands(service.store, reads.lake)
    policies = RoutePolicies(service.home, service.settings.router)
    log, read = (Depends(require_key(service, scope)) for scope in ("log", "read"))

    @routes.post("/feedback")
    def feedback(key: Annotated[Key, log], body: Annotated[Any, Body()], reply: Response) -> Reply:
        """Keep the reward of an answer, once per feedback id; with a key of a brand, of an answer of that brand."""
        reply.status_code, content = keep_reward(service, brands, body, key.brand)
        return content

    @routes.get("/rl/stats")
    def stats(key: Annotated[Key, read]) -> Reply:
        """What was learned of each arm in each category, and the rewards that wait to be learned from."""
        day, rows = newest_state(reads.lake, key.brand)
        waiting = waiting_rewards(service.store, reads, day, key.brand)
        arms = with_waiting(statistics(rows), waiting.rows, ("segment", "category", "arm"))
        return {"as_of": day, "arms": arms, "waiting": waiting.acts, "orphans": waiting.orphans}

    @routes.get("/rl/leaderboard")
    def board(key: Annotated[Key, read]) -> Reply:
        """Arms at one mix of categories, the best first, and the rewards that wait to be learned from."""
        day, rows = newest_state(reads.lake, key.brand)
        waiting = waiting_rewards(service.store, reads, day, key.brand)
        entries = with_waiting(leaderboard(rows), waiting.rows, ("segment", "arm"))
        return {"as_of": day, "leaderboard": entries, "waiting": waiting.acts, "orphans": waiting.orphans}

    @routes.post("/rl/route")
    def route(key: Annotated[Key, read], body: RouteRequest) -> Reply:
        """Which arm answers a question, drawn with a known probability; a key of a brand routes that brand's alone."""
        allowed_brand(key, body.segment)
        return choose_arm(policies, body, key.brand)

    return routes
