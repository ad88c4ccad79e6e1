"""Verifiers: whether an answer solves its task, by rule. A verifier parses the answer and never runs it."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from rl_assets.metrics.structured import follows_schema
from rl_assets.metrics.text import exact_match

Verifier = Literal["exact", "numeric", "json_schema"]
# A sign only without an operand before it ("10-5" is two numbers); groups of three after a comma; an exponent.
NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+\u2212]?)\s?[$€£]?(?P<inner>[-\u2212]?)"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<exponent>[eE][+-]?\d{1,3})?"
)
# Marks of the result in worked solutions: GSM8K's "#### 18", "A: 18", \boxed{18}, "the answer is 18".
MARKS = re.compile(r"####|(?:^|\n)\s*A:|\\boxed\{|\banswer(?:\s+is)?\s*:?\s", re.IGNORECASE)
FINAL_LINE = re.compile(r"^\s*(?:####|A:)\s*[-+\u2212$€£]*[\d.,]+\s*%?\s*$")
TOLERANCE = Decimal("1e-6")


def final_number(text: str) -> Decimal | None:
    """The number a worked solution ends with: the first after the last mark, else the last in the text.

    Thousands commas, currency signs, a percent sign and a sentence's full stop are no part of it ("50%" is 50).
    """
    marks = list(MARKS.finditer(text))
    if marks and (after := NUMBER.search(text, marks[-1].end())):
        return _value(after)
    numbers = list(NUMBER.finditer(text))
    return _value(numbers[-1]) if numbers else None


def _value(match: re.Match[str]) -> Decimal:
    negative = (match["sign"] in "-\u2212" and match["sign"] != "") or match["inner"] != ""
    value = Decimal(match["digits"].replace(",", "") + (match["exponent"] or ""))
    return -value if negative else value


def same_number(answer: str, reference: str) -> bool:
    """Whether both end with one number, to a relative 1e-6 (absolute below 1). False if either has none."""
    number, expected = final_number(answer), final_number(reference)
    if number is None or expected is None:
        return False
    return abs(number - expected) <= TOLERANCE * max(Decimal(1), abs(expected))


def solves(answer: str, references: Sequence[str], verifier: Verifier, schema: dict[str, Any] | None) -> float:
    """1.0 if the answer passes: it equals a reference, ends with a reference's number, or follows the schema."""
    if verifier == "json_schema":
        return float(follows_schema(answer, schema or {}))
    if verifier == "numeric":
        return float(any(same_number(answer, reference) for reference in references))
    return exact_match(answer, references)


def inferred(references: Sequence[str]) -> Verifier | None:
    """ "numeric" if every reference is a worked solution that ends with a marked number, else None."""
    ends = [reference.rstrip().rpartition("\n")[2] for reference in references]
    return "numeric" if ends and all(FINAL_LINE.match(end) for end in ends) else None
