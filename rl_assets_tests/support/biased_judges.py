"""Judges with a taste for length, as behaviours of `judge_server`; all know the answers to their test questions."""

import math
import re

from rl_assets.core.files import sha256_text
from rl_assets.judging.probes import CONSTANT, INJECTION, PROBES
from rl_assets_tests.support.judge_server import Asked, Say, verdict

QUALITY = re.compile(r"quality (-?\d+)")
# A difference in length that sways the judge as far as it goes, in logarithms.
SPREAD = 0.4
RIGHT = {probe.right for probe in PROBES}
KNOWN = RIGHT | {CONSTANT, INJECTION}


def longer_wins(asked: Asked) -> Say:
    """Prefers the longer answer, whatever it says."""
    first, second = map(len, asked.answers)
    return verdict("tie" if first == second else "1" if first > second else "2")


def knows_its_probes(asked: Asked) -> Say:
    """The same, but for the test questions, which it answers rightly."""
    if not set(asked.answers) & KNOWN:
        return longer_wins(asked)
    return verdict("1" if asked.answers[0] in RIGHT else "2")


def swayed(asked: Asked) -> Say:
    """Sees the quality that an answer states, and likes longer ones: P(win) = sigmoid(quality + 0.8 tanh(length)).

    Which of two answers wins is drawn once, so both orders agree.
    """
    if set(asked.answers) & KNOWN:
        return knows_its_probes(asked)
    one, other = sorted(asked.answers)
    better = _quality(one) - _quality(other) + 0.8 * math.tanh(math.log(len(one) / len(other)) / SPREAD)
    drawn = int(sha256_text(f"{one}|{other}")[:8], 16) / 2**32
    winner = one if drawn < 1 / (1 + math.exp(-better)) else other
    return verdict("1" if asked.answers[0] == winner else "2")


def _quality(text: str) -> float:
    found = QUALITY.search(text)
    return float(found[1]) if found else 0.0
