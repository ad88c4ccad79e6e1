"""Words that people use of bad answers rather than of good ones: log odds with a prior (Monroe et al. 2008).

"Fightin' Words: Lexical Feature Selection and Evaluation for Identifying the Content of Political Conflict", sections
3.3 to 3.5: an informative Dirichlet prior from all comments keeps rare words from the top. A word is counted once per
comment, and named only if several people used it, so that no word tells who wrote it.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from rl_assets.core.validation import Record

MIN_PEOPLE = 3
MAX_WORDS = 15
MIN_Z = 1.96
PRIOR = 1.0
# Personal data was replaced by the name of its kind.
PLACEHOLDER = re.compile(r"<\w+>")
# Letters only: numbers may be of orders, rooms or telephones.
WORD = re.compile(r"[^\W\d_]{3,}")


class ReasonWord(Record):
    """A word, in how many comments on bad and on good answers it stands, and its log odds in standard deviations."""

    word: str
    bad: int
    good: int
    z: float


def reason_words(comments: Iterable[Mapping[str, Any]]) -> list[ReasonWord]:
    """The words of bad comments, most typical first; `comments` have `comment`, `person` and `is_negative`."""
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    people: dict[str, set[str]] = defaultdict(set)
    for row in comments:
        for word in words_of(row["comment"]):
            counts[row["is_negative"]][word] += 1
            people[word].add(row["person"])
    bad, good = counts[True], counts[False]
    total = bad + good
    found = [
        ReasonWord(word=word, bad=bad[word], good=good[word], z=_z(word, bad, good, total))
        for word in sorted(total)
        if bad[word] and len(people[word]) >= MIN_PEOPLE
    ]
    return sorted((word for word in found if word.z > MIN_Z), key=lambda word: -word.z)[:MAX_WORDS]


def words_of(comment: str) -> set[str]:
    """The words of a comment without those that stand for personal data."""
    return {word.lower() for word in WORD.findall(PLACEHOLDER.sub(" ", comment))}


def _z(word: str, bad: Counter[str], good: Counter[str], total: Counter[str]) -> float:
    prior, size = PRIOR * total[word] / total.total() * len(total), PRIOR * len(total)
    odds = [math.log((side[word] + prior) / (side.total() + size - side[word] - prior)) for side in (bad, good)]
    variance = 1 / (bad[word] + prior) + 1 / (good[word] + prior)
    return (odds[0] - odds[1]) / math.sqrt(variance)
