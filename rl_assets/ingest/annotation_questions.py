"""What the names of questions in annotation tools mean: exports name the questions, and not what kind they are of.

Names are taken word by word. One that says more than `overall rating` or `corrected answer` is another question:
`toxicity_score` is no verdict on the whole answer, and `needs_correction` no text.
"""

import re

from rl_assets.metrics.scales import OVERALL as OVERALL_DIMENSION
from rl_assets.metrics.scales import Metrics

ANSWERS = (
    *("answer", "response", "output", "completion", "generation", "reply", "candidate", "text", "chosen", "rejected"),
)
ANSWER = re.compile(rf"(?:model[ _-]?)?(?:{'|'.join(ANSWERS)})s?[ _-]?(?:\d+|[a-z])?", re.IGNORECASE)
# Questions whose answer is the best of the answers; that of others may be the worst one, or one of several that fit.
BEST = re.compile(r"prefer|better|best|winner|chosen|choice|compar|pairwise|rank|order|sort", re.IGNORECASE)
OVERALL = {"rating", "overall", "quality", "score", "stars", "verdict", "feedback", "label"}
# Words for an answer that a person wrote anew: alone, and only beside a word for what was written.
REWRITTEN = {
    *("correction", "corrections", "corrected", "revision", "rewrite", "rewritten", "rephrased"),
    *("gold", "golden", "ideal"),
}
REWRITTEN_ANSWER = {"edit", "edited", "improved", "revised", "better"}
WRITTEN = {*ANSWERS, *(f"{name}s" for name in ANSWERS), "version", "message", "translation", "summary", "code"}
# Words that change no meaning; so do letters and numbers, which mark answers.
FILLERS = {
    *("the", "an", "of", "for", "this", "your", "my", "final", "suggested", "proposed", "total"),
    *("model", "user", "human", "expert", "annotator", "please", "write", "provide", "rate", "how", "would", "you"),
}
WORD = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}|[^\W\d_a-zA-Z]+")


def dimension_of(question: str, metrics: Metrics) -> str:
    """What a rating or a thumb is about: as configured, else overall for a name such as `rating` or `answer_quality`,
    else the name."""
    if (configured := metrics.get(question)) and configured.dimension:
        return configured.dimension
    rest = _words(question) - WRITTEN
    return OVERALL_DIMENSION if rest and rest <= OVERALL else question


def is_correction(question: str) -> bool:
    """Whether the text that answers a question is a better answer."""
    words = _words(question)
    named, about = words - WRITTEN, words & WRITTEN
    return bool(named) and (named <= REWRITTEN or (bool(about) and named <= REWRITTEN | REWRITTEN_ANSWER))


def _words(name: str) -> set[str]:
    return {word.lower() for word in WORD.findall(name)} - FILLERS
