"""Which arm answers: drawn as the gateway draws, so that both give one arm to a conversation."""

from collections.abc import Iterable
from dataclasses import replace
from math import fsum
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from rl_assets.core.files import sha256_json
from rl_assets.core.home import Home
from rl_assets.evaluation.promotion.champion import Champion, read_champion
from rl_assets.models.adapters import read_adapter
from rl_assets.routing.categories import category_of
from rl_assets.routing.config import ANY
from rl_assets.service.errors import ServiceError
from rl_assets.service.route_policies import RoutePolicies, RoutePolicy
from rl_assets.serving.drawing import draw
from rl_assets.serving.names import BASE, PRODUCT, arm_name, content_name

AGENT = "assistant"
VERSION_DIGITS = 12
NO_ROUTING = (
    "nothing is drawn: no routing is in force and nothing was learned, so the champion answers. Materialize "
    "served_champion or bandit_state."
)


class RouteRequest(BaseModel):
    """A question to route; without a session each request is drawn anew. `arms` are those that may be drawn.

    The category is that of the question's words if it is not given.
    """

    model_config = ConfigDict(extra="forbid")

    category: str | None = Field(None, min_length=1, max_length=200)
    question: str | None = Field(None, min_length=1, max_length=100_000)
    segment: str | None = Field(None, min_length=1, max_length=200)
    session_id: str | None = Field(None, min_length=1, max_length=512)
    arms: list[str] | None = Field(None, min_length=1, max_length=1_000)


def choose_arm(policies: RoutePolicies, request: RouteRequest, brand: str | None = None) -> dict[str, Any]:
    """The reply: the agent and adapter of the drawn arm, and the probability with which it was drawn.

    With a `brand` its segment is drawn for, which need not be listed: then as for the product.
    """
    policy, categories = policies.current()
    category = request.category or (category_of(request.question) if request.question else None)
    if policy is None:
        _check_category(request, categories)
        return _champion(policies.home, brand or request.segment, category)
    if brand is not None:
        request = request.model_copy(update={"segment": brand if brand in policy.shares else None})
    _check(policy, request, categories)
    if request.arms:
        policy = _restricted(policy, request, category)
    choice = draw(policy, request.session_id or uuid4().hex, request.segment, category)
    agent, adapter = policy.arms[choice.arm]
    return {
        "decision_id": uuid4().hex,
        "arm": choice.arm,
        "agent": agent,
        "adapter": adapter,
        "category": category,
        "propensity": choice.propensity,
        "arms": choice.shares,
        "policy_version": choice.policy_version,
        "message": policy.message,
    }


def _check(policy: RoutePolicy, request: RouteRequest, categories: frozenset[str]) -> None:
    """Raises ServiceError (422) for a segment, category or arm that nothing names."""
    if request.segment is not None and request.segment not in policy.shares:
        raise _unknown("segment", request.segment, policy.shares)
    _check_category(request, categories | policy.shares.get(request.segment or PRODUCT, {}).keys())
    for arm in request.arms or ():
        if arm not in policy.arms:
            raise _unknown("arms", arm, policy.arms)


def _check_category(request: RouteRequest, known: frozenset[str]) -> None:
    if request.category is not None and request.category not in known:
        raise _unknown("category", request.category, known)


def _unknown(field: str, name: str, known: Iterable[str]) -> ServiceError:
    return ServiceError(422, f"{name!r} is not in use: known are {', '.join(sorted(known))}", field)


def _restricted(policy: RoutePolicy, request: RouteRequest, category: str | None) -> RoutePolicy:
    """The policy with the shares of the wanted arms alone, scaled to 1; what is drawn from is another policy."""
    segment, kind = request.segment or PRODUCT, category or ANY
    shares = policy.shares_of(request.segment, category)
    wanted = {name: shares.get(name, 0.0) for name in sorted(set(request.arms or ()))}
    total = fsum(wanted.values())
    if total <= 0:
        raise ServiceError(422, f"none of these arms has a share of {segment}, {kind}: name others", "arms")
    scaled = {name: share / total for name, share in wanted.items()}
    version = sha256_json({"policy": policy.policy_version, "shares": scaled})[:VERSION_DIGITS]
    only = {PRODUCT: {ANY: scaled}}
    return replace(policy, policy_version=version, shares=only | {segment: {ANY: scaled}})


def _champion(home: Home, segment: str | None, category: str | None) -> dict[str, Any]:
    """The only answerer while there is no routing."""
    champion = read_champion(home, segment) or read_champion(home)
    model = _served_name(home, champion, segment) if champion else BASE
    name = arm_name(AGENT, model)
    return {
        "decision_id": uuid4().hex,
        "arm": name,
        "agent": AGENT,
        "adapter": None if champion is None else model,
        "category": category,
        "propensity": 1.0,
        "arms": {name: 1.0},
        "policy_version": None,
        "message": NO_ROUTING,
    }


def _served_name(home: Home, champion: Champion, segment: str | None) -> str:
    own = segment if read_champion(home, segment) == champion else None
    return content_name(read_adapter(home.folder / champion.adapter), own)
