"""The number that a worked solution ends with, and whether two solutions end with the same one.

The text of this module is part of training scripts, so it needs nothing of this project.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

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


def are_worked_solutions(references: Sequence[str]) -> bool:
    """Whether there is a reference and each ends with a line that marks its number: "#### 18", "A: 18"."""
    ends = [reference.rstrip().rpartition("\n")[2] for reference in references]
    return bool(ends) and all(FINAL_LINE.match(end) for end in ends)
