"""What is to be served: arms, shares of traffic, and which adapter belongs on which endpoint.

A plan follows from the files alone, so the same files give the same plan, and an unchanged plan changes nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rl_assets.core.files import sha256_json
from rl_assets.core.home import Home
from rl_assets.models.adapters import Adapter
from rl_assets.routing.config import ANY, RouterFile
from rl_assets.routing.learned import read_learned
from rl_assets.serving.config import ServedSegment, ServingFile
from rl_assets.serving.learned_shares import Router, ServedArms, default_shares, learned_shares
from rl_assets.serving.names import BASE, PRODUCT, arm_name, request_name
from rl_assets.serving.roles import SegmentRoles, read_roles
from rl_assets.serving.routing import Arm, Routing, Shares

ADAPTER_ROLES = ("champion", "canary", "previous")
ROLES = (*ADAPTER_ROLES, BASE)
# Arms that are asked when one does not answer, in this order.
FALLBACK = ("champion", BASE, "external")

# Why an adapter was refused at an endpoint, or None if it was not.
Refusals = Callable[[Adapter, str], str | None]


@dataclass(frozen=True)
class Plan:
    """Arms and shares as `routing.json` holds them, and the adapters by endpoint and content name.

    `notes` say what was left out and why. `blocked` says which champions were refused before: while one is, the
    routing in force stays. `learned` are the segments whose shares the router learned.
    """

    arms: dict[str, Arm]
    shares: dict[str, dict[str, Shares]]
    adapters: dict[str, dict[str, Adapter]]
    notes: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    learned: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A hash of what is to be served."""
        arms = {name: arm.model_dump(mode="json") for name, arm in self.arms.items()}
        return sha256_json({"arms": arms, "shares": self.shares})

    def is_in_force(self, routing: Routing | None) -> bool:
        """Whether the routing says already what the plan says."""
        return routing is not None and routing.arms == self.arms and routing.shares == self.shares

    def differs_by_learned_shares(self, routing: Routing | None) -> bool:
        """Whether nothing but shares that the router learned are other ones than the routing's."""
        if routing is None or routing.arms != self.arms or routing.shares.keys() != self.shares.keys():
            return False
        different = {segment for segment, shares in self.shares.items() if routing.shares[segment] != shares}
        return bool(different) and different <= set(self.learned)


def never_refused(_adapter: Adapter, _endpoint: str) -> str | None:
    """No adapter was refused."""
    return None


def plan_of_home(
    home: Home, serving: ServingFile, refused: Refusals = never_refused, file: RouterFile | None = None
) -> Plan:
    """The plan of a home's champions and canaries, with the newest learned shares if there is a router file."""
    roles = {name: read_roles(home, None if name == PRODUCT else name) for name in serving.segments}
    learned = read_learned(home) if file else None
    return make_plan(serving, roles, refused, Router(learned, file) if file and learned else None)


def make_plan(
    serving: ServingFile,
    roles: Mapping[str, SegmentRoles],
    refused: Refusals = never_refused,
    router: Router | None = None,
) -> Plan:
    """The plan of every declared segment, whose adapters are `roles`, by the segment's name.

    Shares that the serving file fixes stand; with a `router` the others are those that it learned.
    ValueError if two segments give one arm two meanings, or the serving file names a role or arm that does not exist.
    """
    arms: dict[str, Arm] = {}
    adapters: dict[str, dict[str, Adapter]] = {segment.endpoint: {} for segment in serving.segments.values()}
    by_role, notes, blocked = dict[str, dict[str, str]](), list[str](), list[str]()
    for name, segment in serving.segments.items():
        kept, dropped, stopped = _without_refused(roles[name], segment.endpoint, refused)
        notes += [*(f"{name}: {note}" for note in roles[name].notes), *dropped]
        blocked += stopped
        if "champion" not in kept.filled:
            notes.append(f"{name} has no champion: the base gets its share.")
        by_role[name] = _add_arms(arms, serving, segment, kept)
        adapters[segment.endpoint] |= {served.name: served.adapter for served in kept.filled.values()}
    _add_external_arms(arms, serving, by_role[PRODUCT])
    arms = {
        name: arm.model_copy(update={"fallback": _fallback(name, arm, arms, by_role)}) for name, arm in arms.items()
    }
    shares, learned = dict[str, dict[str, Shares]](), list[str]()
    for name, segment in serving.segments.items():
        served = ServedArms(by_role[name], tuple(sorted(serving.arms)), serving.canary_cap)
        found = learned_shares(name, served, router) if router and not segment.shares else None
        if found:
            learned.append(name)
            notes += found[1]
        elif router and not segment.shares:
            notes.append(f"{name}: nothing was learned of this segment, so its shares are the default ones.")
        shares[name] = found[0] if found else _fixed_shares(name, segment, served, arms)
    once = (tuple(dict.fromkeys(sentences)) for sentences in (notes, blocked, learned))
    return Plan(arms, shares, adapters, *once)


def _without_refused(
    roles: SegmentRoles, endpoint: str, refused: Refusals
) -> tuple[SegmentRoles, list[str], list[str]]:
    """The roles without refused adapters, notes on those, and the refusals of the champion."""
    reasons = {role: refused(served.adapter, endpoint) for role, served in roles.filled.items()}
    kept = {role: served for role, served in roles.filled.items() if reasons[role] is None}
    sentences = {
        role: f"The {role} {roles.filled[role].name} was refused at {endpoint}: {reason}"
        for role, reason in reasons.items()
        if reason
    }
    blocked = [sentence for role, sentence in sentences.items() if role == "champion"]
    return SegmentRoles(kept.get("champion"), kept.get("canary"), kept.get("previous")), [*sentences.values()], blocked


def _add_arms(
    arms: dict[str, Arm], serving: ServingFile, segment: ServedSegment, roles: SegmentRoles
) -> dict[str, str]:
    """Add the segment's arms; returns their names by role. Of two roles with one adapter the first has its arm."""
    endpoint, names = serving.endpoints[segment.endpoint], dict[str, str]()
    models = {role: served.name for role, served in roles.filled.items()} | {BASE: BASE}
    for role in ROLES:
        if role not in models:
            continue
        model, name = models[role], arm_name(segment.agent, models[role])
        arm = Arm(
            agent=segment.agent,
            endpoint=segment.endpoint,
            urls=endpoint.urls,
            model=request_name(endpoint.driver, model),
            adapter=None if role == BASE else model,
            role=role,
            token_env=endpoint.token_env,
        )
        before = arms.setdefault(name, arm)
        if before.endpoint != arm.endpoint:
            raise ValueError(
                f"the arm {name} would be at two endpoints, {before.endpoint} and {arm.endpoint}: give the segments "
                "different agents in the serving file"
            )
        names[role] = name
    return names


def _add_external_arms(arms: dict[str, Arm], serving: ServingFile, roles: Mapping[str, str]) -> None:
    for name, external in serving.arms.items():
        if name in arms or name in ROLES:
            raise ValueError(f"the serving file's arm {name} has the name of a role or of another arm: rename it")
        endpoint = serving.endpoints[external.endpoint]
        arms[name] = Arm(
            agent=external.agent or name,
            endpoint=external.endpoint,
            urls=endpoint.urls,
            model=external.model,
            role="external",
            token_env=endpoint.token_env,
        )
    for name, external in serving.arms.items():
        declared = [target for wanted in external.fallback for target in _named(wanted, roles, arms, f"arms.{name}")]
        arms[name] = arms[name].model_copy(update={"fallback": declared})


def _named(wanted: str, roles: Mapping[str, str], arms: Mapping[str, Arm], where: str) -> Iterator[str]:
    """The arms that a role or name of the serving file stands for; none for a role that nothing fills."""
    if wanted == "external":
        yield from (name for name, arm in arms.items() if arm.role == "external")
    elif wanted in arms:
        yield wanted
    elif wanted in roles:
        yield roles[wanted]
    elif wanted not in ROLES:
        raise ValueError(
            f"{where} of the serving file names {wanted}, which is no role ({', '.join(ROLES)}) and no arm; the arms "
            f"are {', '.join(sorted(arms))}"
        )


def _fallback(name: str, arm: Arm, arms: Mapping[str, Arm], by_role: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What an external arm declares, else champion, base and external arms, without the arm itself."""
    owner = next((roles for roles in by_role.values() if name in roles.values()), by_role[PRODUCT])
    wanted = arm.fallback or [target for role in FALLBACK for target in _named(role, owner, arms, name)]
    return [target for target in dict.fromkeys(wanted) if target != name]


def _fixed_shares(name: str, segment: ServedSegment, served: ServedArms, arms: Mapping[str, Arm]) -> dict[str, Shares]:
    """Fixed shares by category, or the default ones; a role that nothing fills gives its own to the champion."""
    if not segment.shares:
        return {ANY: default_shares(served)}
    shares: dict[str, Shares] = {}
    for category, weights in segment.shares.items():
        where, total = f"segments.{name}.shares.{category}", sum(weights.values())
        if total <= 0 or min(weights.values()) < 0:
            raise ValueError(f"{where} of the serving file must be weights of 0 or more with a sum above 0")
        given: Shares = {}
        for wanted, weight in weights.items():
            if wanted == "external":
                raise ValueError(f"{where} of the serving file names external: name the arms themselves")
            arm = next(_named(wanted, served.roles, arms, where), served.leading)
            given[arm] = given.get(arm, 0.0) + weight / total
        shares[category] = given
    return shares
