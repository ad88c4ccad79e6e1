"""What a judge said about two models, as part of a report, and whether it may be believed."""

from collections import Counter
from collections.abc import Sequence

from rl_assets.core.record import Record
from rl_assets.judging.pairwise import Duel, Judged, judge_pairs
from rl_assets.judging.probes import failed_probes
from rl_assets.judging.win_rates import length_controlled, win_rate
from rl_assets.llm.client import Judge
from rl_assets.metrics.statistics import Interval

MIN_CONSISTENCY = 0.6
MIN_VALID = 0.5
POINTS = {"first": 1.0, "tie": 0.5, "second": 0.0}


class JudgeVerdicts(Record):
    """Wins and losses of `ours` against `theirs`, of the pairs the judge decided validly.

    Consistency is the share of pairs with one verdict in both orders, first position the share of decided calls
    that chose the answer shown first; both are 0.5 for a coin.
    """

    model: str
    ours: str
    theirs: str
    pairs: int
    wins: int
    losses: int
    ties: int
    identical: int
    invalid: int
    not_asked: int
    consistency: float | None
    first_position: float | None
    tie_rate: float | None
    win_rate: Interval | None
    length_controlled: Interval | None
    calls: int
    from_cache: int
    tokens: int
    failures: dict[str, int]
    doubts: list[str]

    @property
    def usable(self) -> bool:
        """Whether these verdicts may be believed."""
        return not self.doubts


def compare_by_judge(judge: Judge, ours: str, theirs: str, duels: Sequence[Duel]) -> JudgeVerdicts:
    """Let the judge compare `ours` (the first answers) with `theirs`; its test questions come first."""
    probes = failed_probes(judge)
    return summarize(judge, ours, theirs, duels, judge_pairs(judge, duels), probes)


def summarize(
    judge: Judge, ours: str, theirs: str, duels: Sequence[Duel], judged: Sequence[Judged], probes: list[str]
) -> JudgeVerdicts:
    """Counts, rates and doubts of the verdicts on duels."""
    counts: Counter[str] = Counter(found.outcome for found in judged)
    decided = [
        (duel, POINTS[found.outcome]) for duel, found in zip(duels, judged, strict=True) if found.outcome in POINTS
    ]
    points, clusters = [point for _, point in decided], [duel.cluster for duel, _ in decided]
    lengths = [(len(duel.first), len(duel.second)) for duel, _ in decided]
    consistency = _share([found.consistent for found in judged if found.consistent is not None])
    return JudgeVerdicts(
        model=judge.endpoint.model,
        ours=ours,
        theirs=theirs,
        pairs=len(duels),
        wins=counts["first"],
        losses=counts["second"],
        ties=counts["tie"],
        identical=sum(found.outcome == "tie" and found.forward is None for found in judged),
        invalid=counts["invalid"],
        not_asked=counts["not asked"],
        consistency=consistency,
        first_position=_first_position(judged),
        tie_rate=counts["tie"] / len(decided) if decided else None,
        win_rate=win_rate(points, clusters),
        length_controlled=length_controlled(points, lengths, clusters),
        calls=judge.calls,
        from_cache=judge.from_cache,
        tokens=judge.tokens,
        failures=dict(sorted(judge.failures.items())),
        doubts=[*_doubts(judged, consistency), *probes],
    )


def _first_position(judged: Sequence[Judged]) -> float | None:
    choices = [choice for found in judged for choice in (found.forward, found.backward) if choice in ("1", "2")]
    return _share([choice == "1" for choice in choices])


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _doubts(judged: Sequence[Judged], consistency: float | None) -> list[str]:
    counts = Counter(found.outcome for found in judged)
    asked = counts.total() - counts["not asked"]
    doubts = []
    if asked and counts["invalid"] > (1 - MIN_VALID) * asked:
        doubts.append(f"{counts['invalid']} of {asked} pairs got no valid verdict.")
    if consistency is not None and consistency < MIN_CONSISTENCY:
        doubts.append(
            f"It contradicts itself when answers change places: consistency {consistency:.2f}, "
            f"and {MIN_CONSISTENCY:.1f} is the least."
        )
    if counts["not asked"] and all(found.forward is None for found in judged):
        doubts.append("No pair was asked: the budget was spent, or the service was down.")
    return doubts
