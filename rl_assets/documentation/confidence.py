"""The confidence that an image belongs to the text around it: a simple score (v1) and a calibrated one (v2)."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from rl_assets.features.words import words

Pair = Mapping[str, Any]

MIN_CONFIDENCE = 0.5
MIN_DESCRIPTION_WORDS = 8
# From this many words on, the text before an image introduces it fully.
INTRODUCTION_WORDS = 8
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


# Fitted on the hand-labelled pairs in the tests by rl_assets_tests/benchmarks/fit_confidence.py, before logos were
# recognised by their shape. Nearly all labelled images without text are logos, so a fit that knows them would trust an
# image without any text.
CONFIDENCE_MODEL = LogisticModel(
    intercept=-2.4349,
    weights={
        "informative_alt": 1.3061,
        "lexical_cosine": -1.0269,
        "prose": -0.6652,
        "introduced": 4.7076,
        "described": 1.7373,
        "pointing": 0.7143,
        "large_enough": 0.9825,
        "moderate_aspect": 0.2393,
        "detailed": 1.4673,
        "content_type": 0.0684,
        "once": -0.4406,
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
        "prose": float(count_words(pair["context"]) >= 20),
        "introduced": min(1.0, count_words(pair["text_before"]) / INTRODUCTION_WORDS),
        "described": float(_is_described(pair, names, around)),
        "pointing": float(POINTING.search(f"{pair['text_before'][-200:]}\n{pair['caption']}") is not None),
        "large_enough": float(short >= 100),
        "moderate_aspect": float(long <= 4 * max(1, short)),
        "detailed": float(pair["dominant_colour"] < MAX_DOMINANT_COLOUR),
        "content_type": float(pair["image_type"] not in ("badge", "logo", "icon")),
        "once": float(not pair["decoration"]),
    }


def _is_described(pair: Pair, names: str, around: str) -> bool:
    """The image opens its section, and the paragraph after it points back at it or shares words with its names."""
    opens = bool(pair["headings"]) and not pair["text_before"]
    if not opens or count_words(pair["text_after"]) < MIN_DESCRIPTION_WORDS:
        return False
    return cosine(names, around) > 0 or POINTING.search(pair["text_after"][:200]) is not None


def is_informative(alt: str) -> bool:
    """Three words or more, and not a file name."""
    return count_words(alt) >= 3 and not FILE_NAME.fullmatch(alt)


def count_words(text: str) -> int:
    """Number of words; characters of scripts without spaces count as words."""
    return len(words(text))


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
    lower = (word.lower() for word in WORD.findall(text))
    return [SUFFIX.sub("", word) if len(word) > 3 else word for word in lower if word not in STOP_WORDS]
