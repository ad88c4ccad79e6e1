"""Which arm answers: drawn from `routing.json` as the gateway draws, so that both give one arm to a conversation."""

from math import fsum
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from rl_assets.core.home import Home
from rl_assets.evaluation.promotion.champion import Champion, read_champion
from rl_assets.models.adapters import read_adapter
from rl_assets.service.errors import ServiceError
from rl_assets.serving.drawing import draw
from rl_assets.serving.names import BASE, PRODUCT, arm_name, content_name
from rl_assets.serving.routing import ANY, Routing, read_routing

AGENT = "assistant"
NO_ROUTING = (
    "nothing is drawn: no routing is in force, so the champion answers. Materialize served_champion to have one."
)


class RouteRequest(BaseModel):
    """A question to route; without a session each request is drawn anew. `arms` are those that may be drawn."""

    model_config = ConfigDict(extra="forbid")

    category: str | None = Field(None, min_length=1, max_length=200)
    segment: str | None = Field(None, min_length=1, max_length=200)
    session_id: str | None = Field(None, min_length=1, max_length=512)
    arms: list[str] | None = Field(None, min_length=1)


def choose_arm(home: Home, request: RouteRequest, brand: str | None = None) -> dict[str, Any]:
    """The reply: the agent and adapter of the drawn arm, and the probability with which it was drawn.

    With a `brand` its segment is drawn for, which need not be listed: then as for the product.
    """
    routing = read_routing(home)
    if routing is None:
        return _champion(home, brand or request.segment)
    if brand is not None:
        request = request.model_copy(update={"segment": brand if brand in routing.shares else None})
    _check(routing, request)
    if request.arms:
        routing = _restricted(routing, request)
    choice = draw(routing, request.session_id or uuid4().hex, request.segment, request.category)
    arm = routing.arms[choice.arm]
    return {
        "decision_id": uuid4().hex,
        "arm": choice.arm,
        "agent": arm.agent,
        "adapter": arm.adapter,
        "propensity": choice.propensity,
        "arms": choice.shares,
        "policy_version": choice.policy_version,
        "message": None,
    }


def _check(routing: Routing, request: RouteRequest) -> None:
    """Raises ServiceError (422) for a segment, category or arm that the routing does not name."""
    if request.segment is not None and request.segment not in routing.shares:
        raise _unknown("segment", request.segment, routing.shares)
    categories = routing.shares[request.segment or PRODUCT]
    if request.category is not None and request.category not in categories:
        raise _unknown("category", request.category, categories)
    for arm in request.arms or ():
        if arm not in routing.arms:
            raise _unknown("arms", arm, routing.arms)


def _unknown(field: str, name: str, known: Any) -> ServiceError:
    return ServiceError(422, f"{name!r} is not in use: known are {', '.join(sorted(known))}", field)


def _restricted(routing: Routing, request: RouteRequest) -> Routing:
    """The routing with the shares of the wanted arms alone, scaled to 1; what is drawn from is another policy."""
    segment, category = request.segment or PRODUCT, request.category or ANY
    shares = routing.shares_of(request.segment, request.category)
    wanted = {name: shares.get(name, 0.0) for name in sorted(set(request.arms or ()))}
    total = fsum(wanted.values())
    if total <= 0:
        raise ServiceError(422, f"none of these arms has a share of {segment}, {category}: name others", "arms")
    scaled = {name: share / total for name, share in wanted.items()}
    by_category = {**routing.shares.get(segment, routing.shares[PRODUCT]), category: scaled}
    return routing.model_copy(update={"shares": {**routing.shares, segment: by_category}})


def _champion(home: Home, segment: str | None) -> dict[str, Any]:
    """The only answerer while there is no routing."""
    champion = read_champion(home, segment) or read_champion(home)
    model = _served_name(home, champion, segment) if champion else BASE
    name = arm_name(AGENT, model)
    return {
        "decision_id": uuid4().hex,
        "arm": name,
        "agent": AGENT,
        "adapter": None if champion is None else model,
        "propensity": 1.0,
        "arms": {name: 1.0},
        "policy_version": None,
        "message": NO_ROUTING,
    }


def _served_name(home: Home, champion: Champion, segment: str | None) -> str:
    own = segment if read_champion(home, segment) == champion else None
    return content_name(read_adapter(home.folder / champion.adapter), own)
