"""Agreement of people on preferences, and of a judge's or a metric's verdicts with people.

A vote is "first", "second" or "tie". The agreement among people bounds what a judge can reach.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from rl_assets.metrics.statistics import Interval, interval

Vote = Literal["first", "second", "tie"]
VOTES: tuple[Vote, ...] = ("first", "second", "tie")


@dataclass(frozen=True)
class HumanAgreement:
    """`pairwise` is the mean share of rater pairs with equal votes, `kappa` Fleiss' chance-corrected agreement.

    `ceiling` is the share of single votes that equal the majority of the other raters of the pair, if these have one:
    the agreement of a judge that is as good as one more rater.
    """

    pairs: int
    unanimous: int
    without_majority: int
    pairwise: Interval
    kappa: float
    ceiling: Interval


@dataclass(frozen=True)
class Alignment:
    """Verdicts against the majority of people: over all pairs, with ties as a verdict; and over the pairs that
    both sides decided, without ties."""

    all_pairs: Interval
    decided: Interval | None


def majority(votes: Sequence[Vote]) -> Vote:
    """The vote of more than half of the raters; a tie if there is none."""
    vote, count = Counter(votes).most_common(1)[0]
    return vote if 2 * count > len(votes) else "tie"


def pairwise_agreement(votes: Sequence[Sequence[Vote]], clusters: Sequence[str]) -> Interval:
    """Mean over items of the share of rater pairs with equal votes; `votes` (items x raters), two raters or more.

    Raises ValueError if an item has fewer.
    """
    if any(len(row) < 2 for row in votes):
        raise ValueError("agreement needs two raters of every item")
    return interval([_share([a == b for a, b in combinations(row, 2)]) for row in votes], clusters, share=True)


def human_agreement(votes: Sequence[Sequence[Vote]], clusters: Sequence[str]) -> HumanAgreement:
    """Agreement of the raters of each pair; `votes` (pairs x raters), at least three raters, the same number each.

    Fleiss 1971, "Measuring nominal scale agreement among many raters". Raises ValueError otherwise.
    """
    raters = {len(row) for row in votes}
    if len(raters) != 1 or min(raters) < 3:
        raise ValueError(f"every pair needs votes of the same number of raters, at least three, not {sorted(raters)}")
    agreed = [_share([a == b for a, b in combinations(row, 2)]) for row in votes]
    counts = Counter(vote for row in votes for vote in row)
    total = counts.total()
    chance = sum((counts[vote] / total) ** 2 for vote in VOTES)
    observed = sum(agreed) / len(agreed)
    held_out = [
        (vote == _others(row, turn), name)
        for row, name in zip(votes, clusters, strict=True)
        for turn, vote in enumerate(row)
        if _others(row, turn) is not None
    ]
    return HumanAgreement(
        pairs=len(votes),
        unanimous=sum(len(set(row)) == 1 for row in votes),
        without_majority=sum(2 * max(Counter(row).values()) <= len(row) for row in votes),
        pairwise=interval(agreed, clusters, share=True),
        kappa=(observed - chance) / (1 - chance) if chance < 1 else 1.0,
        ceiling=interval([float(same) for same, _ in held_out], [name for _, name in held_out], share=True),
    )


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags)


def _others(row: Sequence[Vote], turn: int) -> Vote | None:
    """The vote of more than half of the other raters; None if there is none."""
    others = [*row[:turn], *row[turn + 1 :]]
    vote, count = Counter(others).most_common(1)[0]
    return vote if 2 * count > len(others) else None


def alignment(verdicts: Sequence[Vote], people: Sequence[Vote], clusters: Sequence[str]) -> Alignment:
    """How often verdicts equal those of people, clustered by prompt; the three sequences are parallel."""
    rows = list(zip(verdicts, people, clusters, strict=True))
    decided = [row for row in rows if "tie" not in row[:2]]
    return Alignment(_equal(rows), _equal(decided) if decided else None)


def _equal(rows: Sequence[tuple[Vote, Vote, str]]) -> Interval:
    return interval([float(ours == theirs) for ours, theirs, _ in rows], [name for _, _, name in rows], share=True)
