"""The confidence that an image belongs to the text around it: a simple score (v1) and a calibrated one (v2)."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

Pair = Mapping[str, Any]

MIN_CONFIDENCE = 0.5
# An image with hardly more than one colour is a logo, an overlay or blank.
MAX_DOMINANT_COLOUR = 0.85
POINTING = re.compile(
    r"\b(?:below|above|following|screenshot|figure|diagram|image|picture|shown|shows?|see|looks? like|illustrat\w*|"
    r"example|here is|here's|appears?)\b|:\s*$",
    re.IGNORECASE,
)
FILE_NAME = re.compile(
    r"\S+\.(?:png|jpe?g|gif|webp|avif|svg|bmp)|(?:image|img|screenshot|untitled)[\s_-]*\d*", re.IGNORECASE
)
WORD = re.compile(r"[^\W_]+")
STOP_WORDS = frozenset(
    WORD.findall("a an and are as at be by for from has in is it its of on or that the this to was will with you your")
)
SUFFIX = re.compile(r"(?:ing|ed|es|s|e)$")


@dataclass(frozen=True)
class LogisticModel:
    """A logistic model: sigmoid(intercept + sum of weight times feature)."""

    intercept: float
    weights: Mapping[str, float]

    def probability(self, features: Mapping[str, float]) -> float:
        """Probability in (0, 1), four decimals."""
        score = self.intercept + sum(weight * features[name] for name, weight in self.weights.items())
        return round(1 / (1 + math.exp(-score)), 4)


# Fitted on the hand-labelled pairs in the tests by rl_assets_tests/benchmarks/fit_confidence.py, which prints this.
CONFIDENCE_MODEL = LogisticModel(
    intercept=-2.2743,
    weights={
        "informative_alt": 1.1123,
        "lexical_cosine": -0.4221,
        "prose": -0.7014,
        "introduced": 4.0598,
        "pointing": 0.8631,
        "large_enough": 0.9911,
        "moderate_aspect": 0.2998,
        "detailed": 1.7243,
        "content_type": 0.2011,
        "once": -0.5307,
    },
)


def confidence_v1(pair: Pair) -> float:
    """The simple score in [0, 1]: text before and after over 20 characters, alt over 5, context over 100."""
    score = (
        0.3 * (len(pair["text_before"]) > 20)
        + 0.3 * (len(pair["text_after"]) > 20)
        + 0.2 * (len(pair["alt"]) > 5)
        + 0.2 * (len(pair["context"]) > 100)
    )
    return round(score, 4)


def confidence(pair: Pair) -> float:
    """The calibrated probability that the image shows what its text is about."""
    return CONFIDENCE_MODEL.probability(features(pair))


def features(pair: Pair) -> dict[str, float]:
    """Features of a row of `markdown_image_pairs` for the calibrated model, each in [0, 1]."""
    around = " ".join([*pair["headings"][-1:], pair["text_before"], pair["text_after"]])
    names = " ".join([pair["alt"], pair["caption"], PurePosixPath(pair["path"]).stem])
    long, short = max(pair["width"], pair["height"]), min(pair["width"], pair["height"])
    return {
        "informative_alt": float(is_informative(pair["alt"]) or is_informative(pair["caption"])),
        "lexical_cosine": cosine(names, around),
        "prose": float(len(WORD.findall(pair["context"])) >= 20),
        "introduced": float(len(pair["text_before"]) > 20),
        "pointing": float(POINTING.search(f"{pair['text_before'][-200:]}\n{pair['caption']}") is not None),
        "large_enough": float(short >= 100),
        "moderate_aspect": float(long <= 4 * max(1, short)),
        "detailed": float(pair["dominant_colour"] < MAX_DOMINANT_COLOUR),
        "content_type": float(pair["image_type"] not in ("badge", "logo", "icon")),
        "once": float(not pair["decoration"]),
    }


def is_informative(alt: str) -> bool:
    """Three words or more, and not a file name."""
    return len(WORD.findall(alt)) >= 3 and not FILE_NAME.fullmatch(alt)


def cosine(left: str, right: str) -> float:
    """Cosine in [0, 1] of two texts' word counts, without stop words and simple suffixes."""
    a, b = Counter(stems(left)), Counter(stems(right))
    shared = sum(a[word] * b[word] for word in a.keys() & b.keys())
    if not shared:
        return 0.0
    norm = math.sqrt(sum(n * n for n in a.values()) * sum(n * n for n in b.values()))
    return round(shared / norm, 6)


def stems(text: str) -> list[str]:
    """The words of a text in lower case, without stop words and simple suffixes."""
    words = (word.lower() for word in WORD.findall(text))
    return [SUFFIX.sub("", word) if len(word) > 3 else word for word in words if word not in STOP_WORDS]
