"""Whether a rollout is due: what is to be served changed, shares were learned, a server lost what is routed, or a drain
is over."""

from dataclasses import dataclass
from datetime import datetime

from rl_assets.core.files import sha256_json
from rl_assets.core.home import Home
from rl_assets.routing.config import RouterFile
from rl_assets.serving.config import ServingFile
from rl_assets.serving.drains import drained, read_draining
from rl_assets.serving.plan import Plan, plan_of_home
from rl_assets.serving.reloads import refusals_of, reloadable
from rl_assets.serving.replicas import Replicas
from rl_assets.serving.rollout_state import is_under_way, needs_probe, next_attempt, rollouts
from rl_assets.serving.routing import Routing, read_routing

UNDER_WAY = "A rollout is under way."
NEW_SHARES = "the router has learned new shares"
NO_CHAMPION = "There is no champion and no canary yet, so nothing is to be served."
RETRY = "Materialize served_champion with `retry_refused` to try it all the same."


@dataclass(frozen=True)
class Due:
    """Whether a rollout is due, why or why not in a sentence, and a key that is the same for the same reasons."""

    due: bool
    why: str
    key: str = ""


def rollout_due(
    home: Home, serving: ServingFile, replicas: Replicas, now: datetime, router: RouterFile | None = None
) -> Due:
    """Compare files, routing and servers. UnreachableError or ServerError if a server is away.

    With a `router` file, newly learned shares are a reason too.
    """
    if is_under_way(home):
        return Due(False, UNDER_WAY)
    routing = read_routing(home)
    if routing is None and not any(plan_of_home(home, serving).adapters.values()):
        return Due(False, NO_CHAMPION)
    replicas.require_ready()
    plan = plan_of_home(home, serving, refusals_of(home, serving, replicas), router)
    lost = [f"{replica.url} has lost {served.name}" for served, replica in reloadable(home, serving, replicas)]
    over = drained(read_draining(home), now, serving.drain_minutes)
    changed = _changes(plan, routing)
    unprobed = ["what is served has not been probed"] if needs_probe(home) else []
    reasons = [*changed, *lost, *unprobed, *(f"{name} has drained" for name in over)]
    if not reasons:
        blocked = f"{' '.join(plan.blocked)} {RETRY}" if plan.blocked else ""
        return Due(False, blocked or f"Version {routing.version if routing else 0} is served everywhere.")
    again = next_attempt(home)
    if again and now < again:
        return Due(
            False, f"The last rollout was broken off: see its run. The next is requested after {again:%H:%M} UTC."
        )
    # A run that cannot put new shares in force is not requested again and again, though its rollout is counted.
    counted = rollouts(home) if reasons != [NEW_SHARES] else ()
    state = [plan.key, routing.version if routing else 0, *sorted(reasons), *counted]
    return Due(True, "; ".join(reasons), sha256_json(state)[:20])


def _changes(plan: Plan, routing: Routing | None) -> list[str]:
    """What the plan has that the routing has not; nothing while the plan's champion is refused."""
    if plan.blocked or plan.is_in_force(routing):
        return []
    return [NEW_SHARES if plan.differs_by_learned_shares(routing) else "what is to be served has changed"]
