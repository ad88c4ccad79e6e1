"""Newly learned shares put in force: `routing.json` with the same arms and other probabilities.

Nothing is loaded, checked or unloaded, so a server that is slow or away costs no answer. Whatever else has changed is a
rollout's, which also takes the learned shares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rl_assets.core.home import Home
from rl_assets.routing.config import RouterFile
from rl_assets.routing.learned import read_learned
from rl_assets.serving.config import ServingFile
from rl_assets.serving.plan import Plan, plan_of_home
from rl_assets.serving.reloads import refusals_of
from rl_assets.serving.replicas import Replicas
from rl_assets.serving.rollout_state import keep_previous, mark_probed, needs_probe, only_rollout
from rl_assets.serving.routing import Routing, Shares, read_routing, write_routing

FILE_SHARES = "Shares are those of the serving file: "
NO_ROUTER = FILE_SHARES + "the setting `router` names no file."
NOT_LEARNED = FILE_SHARES + "nothing was learned yet. Materialize bandit_state for the newest day."
FIXED = FILE_SHARES + "it fixes those of every segment, or nothing was learned of one."
NOTHING_SERVED = "Nothing is served yet: materialize served_champion."
ROLLOUT_FIRST = "What is to be served has changed, so no share was: materialize served_champion."
ALL_SHARES = dict[str, dict[str, Shares]]


@dataclass(frozen=True)
class ShareUpdate:
    """What became of the learned shares: the routing's version, the shares before and in force, and the day as of which
    they were learned.

    `problem` says why they are not in force; `notes` what they leave out.
    """

    version: int | None
    before: ALL_SHARES
    shares: ALL_SHARES
    learned_day: str | None = None
    changed: bool = False
    problem: str | None = None
    notes: tuple[str, ...] = ()


def update_shares(home: Home, serving: ServingFile, replicas: Replicas, router: RouterFile | None) -> ShareUpdate:
    """Replace the shares of `routing.json` by the learned ones, if they differ and its arms are loaded.

    Waits for a rollout that is under way. UnreachableError or ServerError if a server is away.
    """
    with only_rollout(home, lambda _: None):
        routing = read_routing(home)
        shares = dict(routing.shares) if routing else {}
        found = ShareUpdate(routing.version if routing else None, shares, shares)
        learned = read_learned(home) if router else None
        if router is None or learned is None or routing is None:
            missing = NO_ROUTER if router is None else NOT_LEARNED if learned is None else NOTHING_SERVED
            return _with(found, problem=missing)
        plan = plan_of_home(home, serving, refusals_of(home, serving, replicas), router)
        found = _with(found, learned_day=learned.day, notes=plan.notes, problem=None if plan.learned else FIXED)
        if plan.is_in_force(routing):
            return found
        if problem := _obstacle(home, plan, routing, replicas):
            return _with(found, problem=problem)
        return _with(found, version=_commit(home, plan, routing), shares=dict(plan.shares), changed=True)


def _with(update: ShareUpdate, **fields: object) -> ShareUpdate:
    return ShareUpdate(**{**vars(update), **fields})


def _obstacle(home: Home, plan: Plan, routing: Routing, replicas: Replicas) -> str | None:
    """Why the shares cannot be replaced alone."""
    if needs_probe(home) or not plan.differs_by_learned_shares(routing):
        return " ".join([ROLLOUT_FIRST, *plan.blocked])
    replicas.require_ready()
    lost = [f"{replica.url} has lost {name}" for replica, name in replicas.missing(routing)]
    return f"{'; '.join(lost)}: materialize served_champion, which loads it again." if lost else None


def _commit(home: Home, plan: Plan, routing: Routing) -> int:
    """The next version, with the same arms, whose answers were probed before."""
    # If the process is killed before the last line, a rollout probes the arms that this routing did not have: none.
    keep_previous(home, routing)
    new = {"version": routing.version + 1, "written_at": datetime.now(UTC).isoformat(), "shares": plan.shares}
    write_routing(home, Routing.model_validate({**routing.model_dump(), **new}))
    mark_probed(home, routing.version + 1)
    return routing.version + 1


def changed_rows(before: Mapping[str, Mapping[str, Shares]], after: ALL_SHARES) -> list[dict[str, object]]:
    """Share of each arm by segment and category, before and after; categories that are new or gone too."""
    rows = list[dict[str, object]]()
    for segment in sorted(before.keys() | after.keys()):
        old, new = before.get(segment, {}), after.get(segment, {})
        for category in sorted(old.keys() | new.keys()):
            shares = old.get(category, {}), new.get(category, {})
            for arm in sorted(shares[0].keys() | shares[1].keys()):
                values = {
                    name: round(each.get(arm, 0.0), 4) for name, each in zip(("before", "now"), shares, strict=True)
                }
                rows.append({"segment": segment, "category": category, "arm": arm, **values})
    return rows
