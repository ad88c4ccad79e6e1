"""How sure we are that an image belongs to the text around it: a simple score (v1) and a calibrated one (v2)."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from rl_assets.images.references import Reference

KEPT_FROM_V1, HIGH_FROM_V1 = 0.4, 0.7
KEPT_FROM = 0.5
# A picture nearly all of one colour is a mark on a ground: a logo, a layer, a blank.
BLANK = 0.85
POINTING = re.compile(
    r"\b(?:below|above|following|screenshot|figure|diagram|image|picture|shown|shows?|see|looks? like|illustrat\w*|"
    r"example|here is|here's|appears?)\b|:\s*$",
    re.IGNORECASE,
)
FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|webp|avif|svg|bmp)|(?:image|img|screenshot|untitled)[\s_-]*\d*", re.IGNORECASE)
WORD = re.compile(r"[^\W_]+")
STOP_WORDS = frozenset(
    "a an and are as at be by for from has in is it its of on or our that the this to was will with you your".split()
)
SUFFIX = re.compile(r"(?:ing|ed|es|s)$")


@dataclass(frozen=True)
class Model:
    """A logistic model: sigmoid(intercept + sum of weight times feature)."""

    intercept: float
    weights: Mapping[str, float]

    def probability(self, features: Mapping[str, float]) -> float:
        """Probability in (0, 1), four decimals."""
        score = self.intercept + sum(weight * features[name] for name, weight in self.weights.items())
        return round(1 / (1 + math.exp(-score)), 4)


# Fitted on the hand-labelled pairs in the tests by rl_assets_tests/images/fit_confidence.py, which prints this text.
V2 = Model(
    intercept=-2.1085,
    weights={
        "informative_alt": 1.0449,
        "lexical_cosine": -0.6618,
        "prose": -1.0933,
        "introduced": 4.2625,
        "pointing": 0.8051,
        "large_enough": 0.9684,
        "moderate_aspect": 0.2081,
        "detailed": 1.7030,
        "content_type": 0.1749,
        "once": -0.4372,
    },
)


def confidence_v1(reference: Reference) -> float:
    """The simple score in [0, 1]: text before and after over 20 characters, alt over 5, context over 100."""
    score = (
        0.3 * (len(reference.text_before) > 20)
        + 0.3 * (len(reference.text_after) > 20)
        + 0.2 * (len(reference.alt) > 5)
        + 0.2 * (len(reference.context) > 100)
    )
    return round(score, 4)


def confidence(features: Mapping[str, float]) -> float:
    """The calibrated probability that the image shows what its text is about."""
    return V2.probability(features)


def features(
    reference: Reference, width: int, height: int, flat: float, image_type: str, decoration: bool
) -> dict[str, float]:
    """What the calibrated model sees, each in [0, 1]. `flat`: share of the commonest colour, 0 where it is not known."""
    around = " ".join([*reference.headings[-1:], reference.text_before, reference.text_after])
    names = " ".join([reference.alt, reference.caption, PurePosixPath(reference.src).stem])
    long, short = max(width, height), max(1, min(width, height))
    return {
        "informative_alt": float(is_informative(reference.alt) or is_informative(reference.caption)),
        "lexical_cosine": cosine(names, around),
        "prose": float(len(WORD.findall(reference.context)) >= 20),
        "introduced": float(len(reference.text_before) > 20),
        "pointing": float(POINTING.search(f"{reference.text_before[-200:]}\n{reference.caption}") is not None),
        "large_enough": float(min(width, height) >= 100),
        "moderate_aspect": float(long <= 4 * short),
        "detailed": float(flat < BLANK),
        "content_type": float(image_type not in ("badge", "logo", "icon")),
        "once": float(not decoration),
    }


def is_informative(alt: str) -> bool:
    """Three words or more, and not a file name."""
    return len(WORD.findall(alt)) >= 3 and not FILE_NAME.fullmatch(alt)


def cosine(left: str, right: str) -> float:
    """Cosine in [0, 1] of two texts' word counts, stop words left out, simple suffixes cut off."""
    a, b = Counter(_stems(left)), Counter(_stems(right))
    shared = sum(a[word] * b[word] for word in a.keys() & b.keys())
    if not shared:
        return 0.0
    norm = math.sqrt(sum(n * n for n in a.values()) * sum(n * n for n in b.values()))
    return round(shared / norm, 6)


def _stems(text: str) -> list[str]:
    words = (word.lower() for word in WORD.findall(text))
    return [SUFFIX.sub("", word) if len(word) > 4 else word for word in words if word not in STOP_WORDS]
