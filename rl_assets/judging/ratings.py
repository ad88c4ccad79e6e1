"""How much better a judge rates the answers of one model than another's, one answer at a time."""

from collections.abc import Sequence

from rl_assets.core.validation import Record
from rl_assets.judging.pairwise import AnswerPair
from rl_assets.judging.pointwise import score_answers
from rl_assets.llm.client import Judge
from rl_assets.metrics.statistics import Interval, interval


class JudgeRatings(Record):
    """Mean scores in [0, 1] of `ours` and `theirs` on the `rated` prompts where both answers got a valid one, and the
    paired `improvement`; all three are None without such a prompt."""

    model: str
    ours: str
    theirs: str
    rated: int
    unrated: int
    ours_rating: Interval | None
    theirs_rating: Interval | None
    improvement: Interval | None


def rate_by_judge(judge: Judge, ours: str, theirs: str, pairs: Sequence[AnswerPair]) -> JudgeRatings:
    """Let the judge rate both answers of each pair, one at a time, on the anchored scale."""
    answers = [(pair.prompt, text) for pair in pairs for text in (pair.first, pair.second)]
    scores = score_answers(judge, answers)
    rows = [
        (first, second, pair.cluster)
        for first, second, pair in zip(scores[::2], scores[1::2], pairs, strict=True)
        if first is not None and second is not None
    ]
    clusters = [cluster for _, _, cluster in rows]
    return JudgeRatings(
        model=judge.endpoint.model,
        ours=ours,
        theirs=theirs,
        rated=len(rows),
        unrated=len(pairs) - len(rows),
        ours_rating=interval([first for first, _, _ in rows], clusters, share=True) if rows else None,
        theirs_rating=interval([second for _, second, _ in rows], clusters, share=True) if rows else None,
        improvement=interval([a - b for a, b, _ in rows], clusters, against_zero=True) if rows else None,
    )
