"""Verdicts of a judge on two models as part of a report, and whether the judge is reliable."""

import math
from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from rl_assets.core.validation import Record
from rl_assets.judging.pairwise import AnswerPair, PairVerdict, judge_pairs
from rl_assets.judging.probes import failed_probes
from rl_assets.judging.win_rates import WinsByLength, length_controlled, win_rate, wins_by_length
from rl_assets.llm.client import Judge
from rl_assets.metrics.statistics import Interval

MIN_CONSISTENCY = 0.6
MIN_VALID = 0.5
POINTS = {"first": 1.0, "tie": 0.5, "second": 0.0}


class Compared(Record):
    """A decided pair: `net` is 1 if ours won, -1 if theirs did, 0 for a tie.

    `log_length_ratio` is ln(our characters / theirs), 0 if one of them is empty.
    """

    cluster: str
    net: float
    log_length_ratio: float


class JudgeVerdicts(Record):
    """Wins and losses of `ours` against `theirs`, of the pairs the judge decided validly.

    Consistency is the share of pairs with one verdict in both orders, first position the share of decided calls
    that chose the answer shown first; both are 0.5 for a coin. `clusters` is how many prompts the decided pairs have.
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
    skipped: int
    clusters: int
    consistency: float | None
    first_position: float | None
    tie_rate: float | None
    win_rate: Interval | None
    length_controlled: Interval | None
    by_length: WinsByLength
    calls: int
    from_cache: int
    tokens: int
    failures: dict[str, int]
    problems: list[str]
    compared: list[Compared] = Field(default_factory=list)

    @property
    def reliable(self) -> bool:
        """Whether the judge was reliable."""
        return not self.problems


def compare_by_judge(judge: Judge, ours: str, theirs: str, pairs: Sequence[AnswerPair]) -> JudgeVerdicts:
    """Let the judge compare `ours` (the first answers) with `theirs`; its probes come first."""
    probes = failed_probes(judge)
    return summarize(judge, ours, theirs, pairs, judge_pairs(judge, pairs), probes)


def summarize(
    judge: Judge,
    ours: str,
    theirs: str,
    pairs: Sequence[AnswerPair],
    verdicts: Sequence[PairVerdict],
    probes: list[str],
) -> JudgeVerdicts:
    """Counts, rates and problems of the verdicts on pairs; `probes` are those of known winners that it got wrong."""
    counts: Counter[str] = Counter(verdict.outcome for verdict in verdicts)
    decided = _decided(pairs, verdicts)
    points, clusters = [point for _, point in decided], [pair.cluster for pair, _ in decided]
    lengths = [(len(pair.first), len(pair.second)) for pair, _ in decided]
    consistency = _share([verdict.consistent for verdict in verdicts if verdict.consistent is not None])
    return JudgeVerdicts(
        model=judge.endpoint.model,
        ours=ours,
        theirs=theirs,
        pairs=len(pairs),
        wins=counts["first"],
        losses=counts["second"],
        ties=counts["tie"],
        identical=sum(verdict.outcome == "tie" and verdict.forward is None for verdict in verdicts),
        invalid=counts["invalid"],
        skipped=counts["skipped"],
        clusters=len(set(clusters)),
        consistency=consistency,
        first_position=_first_position(verdicts),
        tie_rate=counts["tie"] / len(decided) if decided else None,
        win_rate=win_rate(points, clusters),
        length_controlled=length_controlled(points, lengths, clusters),
        by_length=wins_by_length(points, lengths, clusters),
        calls=judge.calls,
        from_cache=judge.from_cache,
        tokens=judge.tokens,
        failures=dict(sorted(judge.failures.items())),
        problems=[*_problems(verdicts, consistency), *probes],
        compared=[_compared(pair, point) for pair, point in decided],
    )


def _decided(pairs: Sequence[AnswerPair], verdicts: Sequence[PairVerdict]) -> list[tuple[AnswerPair, float]]:
    """The pairs with a valid verdict, and its points."""
    both = zip(pairs, verdicts, strict=True)
    return [(pair, POINTS[verdict.outcome]) for pair, verdict in both if verdict.outcome in POINTS]


def _compared(pair: AnswerPair, point: float) -> Compared:
    return Compared(cluster=pair.cluster, net=2 * point - 1, log_length_ratio=_log_ratio(pair))


def _log_ratio(pair: AnswerPair) -> float:
    ours, theirs = len(pair.first), len(pair.second)
    return math.log(ours / theirs) if ours and theirs else 0.0


def _first_position(verdicts: Sequence[PairVerdict]) -> float | None:
    choices = [choice for verdict in verdicts for choice in (verdict.forward, verdict.backward) if choice in ("1", "2")]
    return _share([choice == "1" for choice in choices])


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _problems(verdicts: Sequence[PairVerdict], consistency: float | None) -> list[str]:
    counts = Counter(verdict.outcome for verdict in verdicts)
    compared = counts.total() - counts["skipped"]
    problems = []
    if compared and counts["invalid"] > (1 - MIN_VALID) * compared:
        problems.append(f"{counts['invalid']} of {compared} pairs got no valid verdict.")
    if consistency is not None and consistency < MIN_CONSISTENCY:
        problems.append(
            f"It contradicts itself when answers change places: consistency {consistency:.2f}, "
            f"and the minimum is {MIN_CONSISTENCY:.1f}."
        )
    if counts["skipped"] and all(verdict.forward is None for verdict in verdicts):
        problems.append("No pair was compared: the budget was spent, or the service was down.")
    return problems
