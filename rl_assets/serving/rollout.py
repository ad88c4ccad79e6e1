"""From a plan to served answers: load, check, commit, probe, and roll back if what is served is not what was measured.

At every instant `routing.json` names only adapters that are loaded: they are loaded and checked before it names them,
and unloaded after it no longer does. A rollout that was killed is continued by the next one, which first loads what the
file names and is not loaded.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Protocol

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.routing.config import ANY, RouterFile
from rl_assets.serving.config import ServingFile
from rl_assets.serving.drains import drained, update_draining
from rl_assets.serving.drivers.protocol import ServerError
from rl_assets.serving.names import BASE, arm_name
from rl_assets.serving.parity import Finding
from rl_assets.serving.plan import Plan, plan_of_home
from rl_assets.serving.refused import record_refusal
from rl_assets.serving.reloads import refusal_key, refusals_of, reloadable
from rl_assets.serving.replica_checks import as_figures
from rl_assets.serving.replicas import Replica, Replicas, UnreachableError
from rl_assets.serving.roles import ServedAdapter
from rl_assets.serving.rollout_state import (
    begin_rollout,
    count_rollout,
    keep_previous,
    mark_probed,
    needs_probe,
    only_rollout,
    previous_routing,
)
from rl_assets.serving.routing import Arm, Routing, Shares, read_routing, write_routing
from rl_assets.serving.unchecked import mark_unchecked, routed_places, unchecked

SALT_BYTES = 8
NEW_SHARES = "Nothing but learned shares has changed: routing_table puts them in force."
Log = Callable[[str], None]


class RolloutError(RuntimeError):
    """What is served stays as it was; the message says which adapter was refused, where and why."""


class Checks(Protocol):
    """What decides whether an adapter may be served: by its files, by its answers, and through the gateway."""

    def preflight(self, served: ServedAdapter, replica: Replica) -> list[str]:
        """Why it may not be loaded there, in sentences."""

    def parity(self, served: ServedAdapter, previous: ServedAdapter | None, replica: Replica) -> Sequence[Finding]:
        """What its answers show."""

    def probe(self, arm: str, served: ServedAdapter) -> Finding:
        """Whether the gateway answers by it."""


@dataclass
class Outcome:
    """What a rollout did. `figures` are those of the checks, by adapter and replica; `notes` are sentences."""

    version: int
    changed: bool
    loaded: list[str] = field(default_factory=list)
    unloaded: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    shares: Mapping[str, dict[str, Shares]] = field(default_factory=dict)


@dataclass
class Rollout:
    """One run of `served_champion` on a home. `replicas` are all servers, `now` the time by which names drain.

    With a `router` file, shares are those that were learned.
    """

    home: Home
    serving: ServingFile
    replicas: Replicas
    checks: Checks
    log: Log
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    router: RouterFile | None = None

    def run(self) -> Outcome:
        """Serve what the files say. UnreachableError or ServerError if a server is away; RolloutError if an adapter is
        refused."""
        with only_rollout(self.home, self.log):
            begin_rollout(self.home, self.now())
            try:
                outcome = self._run()
            except (UnreachableError, RolloutError, ServerError):
                count_rollout(self.home)
                raise
            count_rollout(self.home)
            return outcome

    def _run(self) -> Outcome:
        self.replicas.require_ready()
        refused = refusals_of(self.home, self.serving, self.replicas)
        plan = plan_of_home(self.home, self.serving, refused, self.router)
        for note in plan.notes:
            self.log(note)
        reloads = self._reload_routed(plan)
        if plan.blocked:
            raise RolloutError(f"{' '.join(plan.blocked)} It is not tried again until adapter or endpoint changes.")
        before = read_routing(self.home)
        if before is not None and (plan.is_in_force(before) or plan.differs_by_learned_shares(before)):
            said = "Nothing has changed." if plan.is_in_force(before) else NEW_SHARES
            outcome = Outcome(before.version, changed=False, notes=[said, *plan.notes])
            self._end_probe(plan, outcome)
        else:
            outcome = self._serve(plan, before)
        outcome.shares = plan.shares
        outcome.figures |= reloads.figures
        outcome.notes += reloads.notes
        outcome.unloaded += self._drain()
        return outcome

    def _reload_routed(self, plan: Plan) -> Outcome:
        """Load what `routing.json` names and a server does not have, since it was started again; then check it again.

        The name stands for its weights, so it answers from the load on; but the server may be another one. If it does
        not answer as it should, the name is unloaded there, and callers get the fallback.
        """
        outcome, missing = Outcome(0, changed=False), reloadable(self.home, self.serving, self.replicas)
        # Those of other addresses than routed ones are checked as new.
        known = routed_places(read_routing(self.home))
        due = known & (unchecked(self.home) | {replica.place(served) for served, replica in missing})
        mark_unchecked(self.home, due)
        for served, replica in missing:
            self._preflight(served, replica)
            self._load(served, replica)
        for served, replica in [pair for pair in self._wanted(plan) if pair[1].place(pair[0]) in due]:
            try:
                self._check(plan, served, replica, outcome)
            except RolloutError:
                replica.driver.unload(served.name)
                raise
            except FileNotFoundError as error:
                outcome.notes.append(f"{served.name} was loaded again and is not compared: {error}")
        mark_unchecked(self.home, set())
        return outcome

    def _serve(self, plan: Plan, before: Routing | None) -> Outcome:
        known = routed_places(before)
        new = [(served, replica) for served, replica in self._wanted(plan) if replica.place(served) not in known]
        version = before.version + 1 if before else 1
        outcome = Outcome(version, changed=True, notes=[*plan.notes])
        for served, replica in new:
            self._preflight(served, replica)
        missing = [(served, replica) for served, replica in self._wanted(plan) if served.name not in replica.names()]
        for served, replica in missing:
            self._load(served, replica)
        outcome.loaded = sorted({served.name for served, _ in missing})
        for served, replica in new:
            self._check(plan, served, replica, outcome)
        keep_previous(self.home, before)
        self._commit(plan.arms, plan.shares, before, outcome)
        self._probe(plan, {served.name: served for served, _ in new}, before, outcome)
        mark_probed(self.home, outcome.version)
        return outcome

    def _end_probe(self, plan: Plan, outcome: Outcome) -> None:
        """Probe what a rollout committed that was killed before it had."""
        if not needs_probe(self.home):
            return
        before = previous_routing(self.home)
        known = _routed(before)
        new = {served.name: served for served, _ in self._wanted(plan) if served.name not in known}
        self._probe(plan, new, before, outcome)
        mark_probed(self.home, outcome.version)

    def _wanted(self, plan: Plan) -> Iterator[tuple[ServedAdapter, Replica]]:
        for endpoint, adapters in plan.adapters.items():
            for replica in self.replicas.of(endpoint):
                yield from ((ServedAdapter(name, adapter), replica) for name, adapter in adapters.items())

    def _preflight(self, served: ServedAdapter, replica: Replica) -> None:
        if found := self.checks.preflight(served, replica):
            self._refuse(served, replica, " ".join(found))

    def _load(self, served: ServedAdapter, replica: Replica) -> None:
        self.log(f"loading {served.name} at {replica.url}")
        try:
            replica.load(self.home, served)
        except ServerError as error:
            self.replicas.require_ready()
            self._refuse(served, replica, f"The server did not load it: {error}")

    def _check(self, plan: Plan, served: ServedAdapter, replica: Replica, outcome: Outcome) -> None:
        """Compare what is served under the name with what was measured."""
        self.log(f"checking {served.name} at {replica.url}")
        try:
            findings = self.checks.parity(served, _beside(plan, served, replica.endpoint), replica)
        except ServerError as error:
            self.replicas.require_ready()
            self._refuse(served, replica, f"The checks got no answer: {error}")
        outcome.figures[f"{served.name} at {replica.url}"] = as_figures(findings)
        outcome.notes += [f"{served.name}: {finding.warning}" for finding in findings if finding.warning]
        if problems := [finding.problem for finding in findings if finding.problem]:
            self._refuse(served, replica, " ".join(problems))

    def _refuse(self, served: ServedAdapter, replica: Replica, finding: str) -> None:
        """Record the pair, unload the name unless it is routed, and end the rollout."""
        key = refusal_key(self.serving, self.replicas, served.adapter, replica.endpoint)
        record_refusal(self.home, key, served.name, replica.endpoint, finding)
        self._unload([served.name])
        raise RolloutError(f"{served.name} is not served by {replica.url}: {finding}")

    def _unload(self, names: Sequence[str]) -> list[str]:
        """Unload names everywhere, never one that `routing.json` names."""
        routed = _routed(read_routing(self.home))
        gone = [name for name in names if name not in routed]
        for replica in self.replicas.all():
            for name in gone:
                if name in replica.names():
                    replica.driver.unload(name)
        return gone

    def _commit(
        self, arms: Mapping[str, Arm], shares: Mapping[str, dict[str, Shares]], before: Routing | None, outcome: Outcome
    ) -> None:
        """Replace `routing.json`; the figures of its checks are there before it is."""
        current = read_routing(self.home)
        outcome.version = current.version + 1 if current else 1
        write_json(self.home.serving / "checks" / f"{outcome.version}.json", outcome.figures)
        routing = Routing(
            version=outcome.version,
            salt=before.salt if before else token_hex(SALT_BYTES),
            written_at=self.now().isoformat(),
            arms=dict(arms),
            shares=dict(shares),
        )
        write_routing(self.home, routing)
        self.log(f"routing.json is version {outcome.version}")

    def _probe(self, plan: Plan, new: Mapping[str, ServedAdapter], before: Routing | None, outcome: Outcome) -> None:
        """Ask the new arms through the gateway; the previous routing comes back if one does not answer."""
        for name, arm in plan.arms.items():
            if arm.adapter is None or arm.adapter not in new:
                continue
            finding = self.checks.probe(name, new[arm.adapter])
            outcome.figures[f"{name} through the gateway"] = as_figures([finding])
            if finding.warning and finding.warning not in outcome.notes:
                outcome.notes.append(finding.warning)
            if finding.problem:
                self._roll_back(plan, before, outcome)
                mark_probed(self.home, outcome.version)
                self._unload([*new])
                key = refusal_key(self.serving, self.replicas, new[arm.adapter].adapter, arm.endpoint)
                record_refusal(self.home, key, arm.adapter, arm.endpoint, finding.problem)
                raise RolloutError(
                    f"{arm.adapter} was rolled back: {finding.problem} Version {outcome.version} of the routing is the "
                    "previous one again."
                )

    def _roll_back(self, plan: Plan, before: Routing | None, outcome: Outcome) -> None:
        """The previous routing under a new version; without one the base gets all."""
        if before is not None:
            self._commit(before.arms, before.shares, before, outcome)
            return
        arms = {
            name: arm.model_copy(update={"fallback": [one for one in arm.fallback if plan.arms[one].adapter is None]})
            for name, arm in plan.arms.items()
            if arm.adapter is None
        }
        agents = {name: segment.agent for name, segment in self.serving.segments.items()}
        shares = {name: {ANY: {arm_name(agent, BASE): 1.0}} for name, agent in agents.items()}
        self._commit(arms, shares, read_routing(self.home), outcome)

    def _drain(self) -> list[str]:
        """Unload what has not been routed for `drain_minutes`."""
        routed, now = _routed(read_routing(self.home)), self.now()
        loaded = {name for replica in self.replicas.all() for name in replica.names()}
        draining = update_draining(self.home, loaded, routed, now)
        gone = self._unload(drained(draining, now, self.serving.drain_minutes))
        update_draining(self.home, loaded - set(gone), routed, now)
        return gone


def _routed(routing: Routing | None) -> set[str]:
    """Content names that a routing names."""
    return {arm.adapter for arm in routing.arms.values() if arm.adapter} if routing else set()


def _beside(plan: Plan, served: ServedAdapter, endpoint: str) -> ServedAdapter | None:
    """Another adapter of the endpoint, to be asked at the same time: the previous champion, if there is one."""
    others = {name: adapter for name, adapter in plan.adapters[endpoint].items() if name != served.name}
    roles = {arm.adapter: arm.role for arm in plan.arms.values()}
    first = min(others, key=lambda name: (roles.get(name) != "previous", name), default=None)
    return ServedAdapter(first, others[first]) if first else None
