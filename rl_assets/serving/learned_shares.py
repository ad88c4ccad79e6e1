"""The shares of a segment by what the router learned, over the arms that are served.

The learned shares of a category are restricted to these arms and scaled to 1. Three rules say what learning cannot:

- Each routed arm keeps `floor / K` of K routed arms, as in `bandit_state`, so that it can be learned of again.
- The canary gets `canary_cap` until it is learned of, and never more: a decision makes it the champion, not its share.
- A champion that nothing is learned of, or too little, takes the place of the champion before it, and at least half. It
  was promoted by the evidence of its report, and a few rewards are none against it.

An arm that the router file disables or does not declare has no learned share, and gets none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

from rl_assets.routing.config import ANY, RouterFile
from rl_assets.routing.learned import LearnedShares
from rl_assets.serving.routing import Shares

NEW_CHAMPION = 0.5
MAX_NAMED = 5
Bounds = tuple[float, float]


@dataclass(frozen=True)
class Router:
    """What was learned, and the file that says how to learn: what a plan with learned shares is made of."""

    learned: LearnedShares
    file: RouterFile


@dataclass(frozen=True)
class ServedArms:
    """The arms that may be drawn for a segment. `leading` is the champion, or the base if there is none."""

    roles: Mapping[str, str]
    external: tuple[str, ...]
    canary_cap: float

    @property
    def leading(self) -> str:
        return self.roles.get("champion", self.roles["base"])

    @property
    def canary(self) -> str | None:
        """The arm of the canary, unless it has the adapter of the champion."""
        arm = self.roles.get("canary")
        return None if arm == self.leading else arm

    @property
    def names(self) -> list[str]:
        return sorted({*self.roles.values(), *self.external})


def default_shares(served: ServedArms) -> Shares:
    """All to the leading arm but for a canary's."""
    if served.canary is None:
        return {served.leading: 1.0}
    return {served.leading: 1.0 - served.canary_cap, served.canary: served.canary_cap}


def learned_shares(segment: str, served: ServedArms, router: Router) -> tuple[dict[str, Shares], list[str]] | None:
    """Shares by category, and notes on what was left out; None if nothing was learned of the segment."""
    by_category = router.learned.shares.get(segment)
    if not by_category:
        return None
    new = router.learned.new.get(segment, {})
    shares = {
        category: _shares(learned, frozenset(new.get(category, ())), served, router.file)
        for category, learned in by_category.items()
    }
    shares.setdefault(ANY, default_shares(served))
    return dict(sorted(shares.items())), _notes(segment, by_category, served)


def _shares(learned: Shares, new: frozenset[str], served: ServedArms, file: RouterFile) -> Shares:
    """One category's."""
    weights = {name: learned[name] for name in served.names if learned.get(name, 0.0) > 0}
    unlearned = {name for name in served.names if name not in learned and file.declares(name)}
    champion, canary, cap = served.roles.get("champion"), served.canary, served.canary_cap
    floor = file.floor / max(1, len(weights.keys() | ({champion, canary} & unlearned)))
    bounds: dict[str, Bounds] = dict.fromkeys(weights, (floor, 1.0))
    if champion and (champion in unlearned or champion in new & weights.keys()):
        weights |= _successor(champion, served.roles.get("previous"), weights, floor)
        bounds[champion] = (NEW_CHAMPION, 1.0)
    if canary and canary in unlearned:
        weights[canary], bounds[canary] = cap, (cap, cap)
    elif canary in weights:
        bounds[canary] = (min(floor, cap), cap)
    if not weights.keys() - {canary}:
        return default_shares(served)
    return scaled_within(weights, bounds)


def _successor(champion: str, previous: str | None, weights: Shares, floor: float) -> Shares:
    """The weights of a champion and of the one before it, whose place it takes."""
    if previous not in weights or previous is None:
        return {champion: max(weights.get(champion, 0.0), NEW_CHAMPION)}
    return {champion: max(weights.get(champion, 0.0), weights[previous]), previous: floor}


def scaled_within(weights: Mapping[str, float], bounds: Mapping[str, Bounds]) -> Shares:
    """Weights above 0 scaled to a sum of 1, where each share lies within its bounds, which leave room for that.

    What breaks a bound is set to it and the rest scaled again, the side with the larger violation first.
    """
    fixed: Shares = {}
    while True:
        free = sorted(weights.keys() - fixed.keys())
        scale = (1.0 - fsum(fixed.values())) / (fsum(weights[name] for name in free) or 1.0)
        shares = {name: weights[name] * scale for name in free}
        high = {name: bounds[name][1] for name in free if shares[name] > bounds[name][1]}
        low = {name: bounds[name][0] for name in free if shares[name] < bounds[name][0]}
        if not high and not low:
            return dict(sorted((fixed | shares).items()))
        excess = fsum(shares[name] - bound for name, bound in high.items())
        lack = fsum(bound - shares[name] for name, bound in low.items())
        fixed |= high if excess >= lack else low


def _notes(segment: str, by_category: Mapping[str, Shares], served: ServedArms) -> list[str]:
    drawn = {name for shares in by_category.values() for name, share in shares.items() if share > 0}
    known = {name for shares in by_category.values() for name in shares}
    notes = list[str]()
    if away := sorted(drawn - set(served.names)):
        notes.append(f"{segment}: not served, so what was learned of them goes to the others: {_named(away)}.")
    if unlearned := sorted({served.roles.get("champion", ""), served.canary or ""} - known - {""}):
        notes.append(f"{segment}: nothing is learned yet of {_named(unlearned)}, which have the shares of their roles.")
    if unlearned := sorted(set(served.external) - known):
        notes.append(f"{segment}: nothing is learned of {_named(unlearned)}, which get no share.")
    return notes


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
