"""REST of products and routers: rewards of answers, which arm answers, and what the router has learned."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Response

from rl_assets.routing.leaderboard import leaderboard
from rl_assets.service.access import allowed_brand, require_key
from rl_assets.service.bandit_tables import newest_state, statistics
from rl_assets.service.key_rows import Key
from rl_assets.service.lake_reads import LakeReads
from rl_assets.service.reward_requests import keep_reward
from rl_assets.service.route_policies import RoutePolicies
from rl_assets.service.route_requests import RouteRequest, choose_arm
from rl_assets.service.state import Service

Reply = dict[str, Any]


def router(service: Service) -> APIRouter:
    """The routes, on the parts of one service."""
    routes = APIRouter()
    lake = LakeReads.from_settings(service.settings).lake
    policies = RoutePolicies(service.home, service.settings.router)
    log, read = (Depends(require_key(service, scope)) for scope in ("log", "read"))

    @routes.post("/feedback")
    def feedback(key: Annotated[Key, log], body: Annotated[Any, Body()], reply: Response) -> Reply:
        """Keep the reward of an answer, once per feedback id."""
        reply.status_code, content = keep_reward(service, body, key.brand)
        return content

    @routes.get("/rl/stats")
    def stats(key: Annotated[Key, read]) -> Reply:
        """What was learned of each arm in each category; `waiting` are rewards that have not landed."""
        rows = newest_state(lake, key.brand)
        return {"as_of": _day(rows), "arms": statistics(rows), "waiting": _waiting(service)}

    @routes.get("/rl/leaderboard")
    def board(key: Annotated[Key, read]) -> Reply:
        """Arms at one mix of categories, the best first."""
        rows = newest_state(lake, key.brand)
        return {"as_of": _day(rows), "leaderboard": leaderboard(rows), "waiting": _waiting(service)}

    @routes.post("/rl/route")
    def route(key: Annotated[Key, read], body: RouteRequest) -> Reply:
        """Which arm answers a question, drawn with a known probability; a key of a brand routes that brand's alone."""
        allowed_brand(key, body.segment)
        return choose_arm(policies, body, key.brand)

    return routes


def _waiting(service: Service) -> int:
    return service.store.counts()["acts_waiting"]


def _day(rows: list[Reply]) -> str | None:
    return str(rows[0]["day"]) if rows else None
