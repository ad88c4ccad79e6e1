"""How far people agree on what several of them judged, counted from the acts that stand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rl_assets.metrics.scales import OVERALL
from rl_assets.service.acts import Act


@dataclass(frozen=True)
class Agreement:
    """Counts of two people's verdicts on one item. `ties` are of all `compared`, which one person suffices for.

    `near_ratings` differ by at most one star, or are equal thumbs.
    """

    pairs: int
    equal_choices: int
    ratings: int
    near_ratings: int
    compared: int
    ties: int


def agreement_of(verdicts: Mapping[str, Sequence[Act]]) -> Agreement:
    """Agreement over all items; `verdicts` are the acts that stand on each. Every two raters of an item are a pair."""
    choices: list[bool] = []
    ratings: list[bool] = []
    compared: list[str | None] = []
    for acts in verdicts.values():
        by_choice = {act.rater: _choice(act) for act in acts if act.rater and act.kind in ("preference", "tie")}
        by_stars = _stars_by_rater(acts)
        compared += by_choice.values()
        choices += [one == other for one, other in combinations(by_choice.values(), 2)]
        ratings += [abs(one - other) <= 1 for one, other in combinations(by_stars.values(), 2)]
    ties = sum(choice is None for choice in compared)
    return Agreement(len(choices), sum(choices), len(ratings), sum(ratings), len(compared), ties)


def _choice(act: Act) -> str | None:
    """The text that was preferred; None for a tie."""
    return act.preferred if act.kind == "preference" else None


def _stars_by_rater(acts: Iterable[Act]) -> dict[str, float]:
    """The overall verdict of each rater in stars: thumbs up are 5, thumbs down 1. The latest counts."""
    stars = {}
    for act in acts:
        if act.rater and act.value is not None and (act.dimension or OVERALL) == OVERALL:
            if act.kind == "thumbs":
                stars[act.rater] = 5.0 if act.value else 1.0
            elif act.kind == "rating":
                stars[act.rater] = act.value
    return stars
