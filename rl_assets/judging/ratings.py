"""How much better a judge rates the answers of one model than another's, each answer by itself."""

from collections.abc import Sequence

from rl_assets.core.record import Record
from rl_assets.judging.pairwise import Duel
from rl_assets.judging.pointwise import score_answers
from rl_assets.llm.client import Judge
from rl_assets.metrics.statistics import Interval, interval


class JudgeRatings(Record):
    """Mean scores in [0, 1] of `ours` and `theirs` on the `rated` prompts where both answers got a valid one, and the
    paired `improvement`; the figures are None without such a prompt."""

    model: str
    ours: str
    theirs: str
    rated: int
    unrated: int
    ours_rating: Interval | None
    theirs_rating: Interval | None
    improvement: Interval | None


def rate_by_judge(judge: Judge, ours: str, theirs: str, duels: Sequence[Duel]) -> JudgeRatings:
    """Let the judge rate both answers of each duel, one at a time, on the anchored scale."""
    answers = [(duel.prompt, text) for duel in duels for text in (duel.first, duel.second)]
    scores = score_answers(judge, answers)
    rows = [
        (first, second, duel.cluster)
        for first, second, duel in zip(scores[::2], scores[1::2], duels, strict=True)
        if first is not None and second is not None
    ]
    clusters = [cluster for _, _, cluster in rows]
    return JudgeRatings(
        model=judge.endpoint.model,
        ours=ours,
        theirs=theirs,
        rated=len(rows),
        unrated=len(duels) - len(rows),
        ours_rating=interval([first for first, _, _ in rows], clusters) if rows else None,
        theirs_rating=interval([second for _, second, _ in rows], clusters) if rows else None,
        improvement=interval([a - b for a, b, _ in rows], clusters, against_zero=True) if rows else None,
    )
