"""Metrics of one answer against its references: exact match, token F1, JSON validity.

Normalisation and F1 are those of SQuAD (Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine
Comprehension of Text", evaluation script v1.1): lower case, no punctuation, no English articles, single
spaces, and the best value over the references.
"""

import json
import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rl_assets.core.blank import is_blank

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """The text as SQuAD compares it."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def parsed_json(text: str) -> dict[str, Any] | list[Any] | None:
    """The JSON object or array of a text, else None; a bare word or number is no structure."""
    try:
        value = json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _reject_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def same_value(answer: Any, reference: Any) -> bool:
    """Equal JSON structure, strings compared after SQuAD normalisation, numbers and booleans exactly."""
    if isinstance(answer, str) and isinstance(reference, str):
        return answer == reference or (normalise(answer) == normalise(reference) != "")
    if isinstance(answer, dict) and isinstance(reference, dict):
        return answer.keys() == reference.keys() and all(same_value(answer[k], reference[k]) for k in reference)
    if isinstance(answer, list) and isinstance(reference, list):
        return len(answer) == len(reference) and all(map(same_value, answer, reference))
    return isinstance(answer, bool) == isinstance(reference, bool) and answer == reference


def matches(answer: str, reference: str) -> bool:
    """Exact match: SQuAD's for text; for a JSON reference every field, since without punctuation
    invalid JSON would be equal to valid JSON."""
    expected = parsed_json(reference)
    if expected is None:
        return normalise(answer) == normalise(reference)
    return same_value(parsed_json(answer), expected)


def same_answer(one: str, other: str) -> bool:
    """Exact match in both directions: an invalid JSON object is a different answer than the valid one."""
    return matches(one, other) and matches(other, one)


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1.0 if the answer matches any reference, else 0.0."""
    return float(any(matches(answer, reference) for reference in references))


def pair_f1(answer: str, reference: str) -> float:
    """Harmonic mean of precision and recall over the multiset of normalised tokens, in [0, 1]."""
    tokens, expected = normalise(answer).split(), normalise(reference).split()
    if not tokens or not expected:
        return float(tokens == expected)
    common = sum((Counter(tokens) & Counter(expected)).values())
    return 2 * common / (len(tokens) + len(expected))


def token_f1(answer: str, references: Sequence[str]) -> float:
    """The best `pair_f1` over the references."""
    return max(pair_f1(answer, reference) for reference in references)


def json_validity(answer: str, references: Sequence[str]) -> float | None:
    """1.0 if the answer is a JSON object or array, 0.0 if not; None if the references are not JSON."""
    if not all(parsed_json(reference) is not None for reference in references):
        return None
    return float(parsed_json(answer) is not None)


def why_wrong(answer: str, references: Sequence[str]) -> str:
    """One plain sentence on how the answer differs from what was expected."""
    expected = parsed_json(references[0])
    value = parsed_json(answer)
    if is_blank(answer):
        return "The answer is empty."
    if expected is not None and value is None:
        return "The answer is not valid JSON."
    if isinstance(expected, dict) and isinstance(value, dict):
        return _differing_fields(value, expected)
    return f"Token F1 {token_f1(answer, references):.2f} with the nearest reference."


def _differing_fields(value: dict[str, Any], expected: dict[str, Any]) -> str:
    missing = sorted(expected.keys() - value.keys())
    added = sorted(value.keys() - expected.keys())
    wrong = sorted(k for k in expected.keys() & value.keys() if not same_value(value[k], expected[k]))
    differences = (("missing", missing), ("unexpected", added), ("wrong", wrong))
    parts = [f"{kind}: {', '.join(names)}" for kind, names in differences if names]
    return f"Fields {'; '.join(parts)}." if parts else "Every field matches another reference."
