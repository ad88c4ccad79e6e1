"""ROUGE of an answer against its references, by the rouge-score package: F-measure, best over the references."""

from collections.abc import Sequence
from functools import cache
from typing import Any

KINDS = ("rouge1", "rougeL")


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(KINDS), use_stemmer=False)


def rouge(answer: str, references: Sequence[str]) -> dict[str, float]:
    """ROUGE-1 and ROUGE-L F-measure in [0, 1] (Lin 2004), no stemming.

    The package sees lower-case Latin letters and digits only: text in other scripts has no words and scores 0.
    """
    scores = _scorer().score_multi(list(references), answer)
    return {kind: float(scores[kind].fmeasure) for kind in KINDS}
