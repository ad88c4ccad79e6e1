"""Relative scores for several answers to one prompt in one call, in shuffled orders, averaged.

Seeing the answers side by side costs one call instead of one per answer, and ranks better than scores given alone; such
scores compare answers inside their group only.
"""

import random
from collections.abc import Sequence

from rl_assets.core.chat import Message
from rl_assets.judging.prompts import GROUP, GROUP_SCHEMA, RUBRIC, boundary_of, system_prompt, user_prompt
from rl_assets.judging.verdicts import read_scores
from rl_assets.llm.client import Judge, Request

FORM = '"scores": a list of {"id": ..., "score": ...}'
ORDERS = 2
Group = tuple[Sequence[Message], Sequence[str]]


def score_groups(judge: Judge, groups: Sequence[Group], orders: int = ORDERS) -> list[list[float] | None]:
    """Scores in [0, 1] for each (prompt, answers), in the order of the answers; None for a group to drop.

    Identical answers are shown once and share a score. A group is dropped if any of its orders failed or omitted
    an answer, so no answer is scored on fewer orders than its rivals; one of a single answer has nothing to
    compare.
    """
    shuffled = [[_order(prompt, answers, turn) for turn in range(orders)] for prompt, answers in groups]
    comparable = [len(set(answers)) > 1 for _, answers in groups]
    requests = [
        _request(prompt, order)
        for (prompt, _), turns, wanted in zip(groups, shuffled, comparable, strict=True)
        if wanted
        for order in turns
    ]
    replies = iter(judge.ask(requests))
    return [
        _averaged(answers, turns, [next(replies).text for _ in turns]) if wanted else None
        for (_, answers), turns, wanted in zip(groups, shuffled, comparable, strict=True)
    ]


def _order(prompt: Sequence[Message], answers: Sequence[str], turn: int) -> list[str]:
    """The distinct answers in an order of that turn, the same every time; an even turn's, backwards, is the next's."""
    distinct = sorted(set(answers))
    random.Random(f"{boundary_of(prompt, distinct)} {turn // 2}").shuffle(distinct)
    return distinct[::-1] if turn % 2 else distinct


def _request(prompt: Sequence[Message], order: Sequence[str]) -> Request:
    boundary = boundary_of(prompt, order)
    named = [(f"answer {number}", text) for number, text in enumerate(order, 1)]
    ids = f"{FORM}; the ids are {', '.join(repr(str(number)) for number in range(1, len(order) + 1))}"
    return Request(system_prompt(GROUP, ids, boundary, RUBRIC), user_prompt(prompt, named, boundary), GROUP_SCHEMA)


def _averaged(
    answers: Sequence[str], turns: Sequence[Sequence[str]], replies: Sequence[str | None]
) -> list[float] | None:
    sums = dict.fromkeys(answers, 0.0)
    for order, reply in zip(turns, replies, strict=True):
        scores = read_scores(reply, {str(number) for number in range(1, len(order) + 1)}) if reply else None
        if scores is None:
            return None
        for number, text in enumerate(order, 1):
            sums[text] += scores[str(number)]
    return [sums[text] / len(turns) for text in answers]
