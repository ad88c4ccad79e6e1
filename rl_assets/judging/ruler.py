"""Relative scores for the answers to one prompt in one call, in two shuffled orders: RULER, read strictly.

Seeing answers side by side ranks them better than scores that each got alone. The idea is that of ART's
`ruler_score_group`, which asks once, in the order given, and matches scores by position; here every id must come back
exactly once, and a judge whose two orders disagree gives nothing. Such scores compare inside their group only.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rl_assets.core.blank import stripped
from rl_assets.core.chat import Message
from rl_assets.core.files import sha256_json
from rl_assets.judging.prompts import GROUP, GROUP_SCHEMA, RUBRIC, boundary_of, system_prompt, user_prompt
from rl_assets.judging.verdicts import parse_reply
from rl_assets.llm.client import Judge, Reply, Request
from rl_assets.models.phase import progress_of

ORDERS = 2
MIN_SPREAD = 0.05
# Characters of a prompt with its answers; more would not fit into a small judge's context.
MAX_CHARS = 60_000
FORM = '"scores": a list with one {{"id": ..., "score": a number from 0 to 1}} for each id: {ids}'
Outcome = Literal["scored", "too_long", "skipped", "failed", "invalid_reply", "orders_disagree", "no_spread"]


@dataclass(frozen=True)
class Group:
    """A prompt and its distinct answers, two or more."""

    prompt: tuple[Message, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True)
class GroupScores:
    """What became of a group: `scores` in [0, 1] in the order of its answers if it was scored, else None.

    `tau` is Kendall's tau-b of the two orders' scores; None if one of them gave no valid reply, and 0 if one of them
    gives all answers one score, which ranks nothing.
    """

    outcome: Outcome
    scores: tuple[float, ...] | None = None
    tau: float | None = None


def score_groups(judge: Judge, groups: Sequence[Group], rubric: str = RUBRIC) -> list[GroupScores]:
    """Scores of each group, the mean of two orders.

    A group is dropped if a call failed or was not made, an id is missing, repeated or not one of the group's, the two
    orders contradict each other (tau below 0), or all scores lie within 0.05.
    """
    asked = [group for group in groups if _chars(group) <= MAX_CHARS]
    orders = [_orders(group) for group in asked]
    requests = [_request(group, order, rubric) for group, turns in zip(asked, orders, strict=True) for order in turns]
    replies = judge.ask(requests, progress_of("calls for groups", judge.log))
    pairs = zip(replies[::ORDERS], replies[1::ORDERS], strict=True)
    scored = iter([_decide(group, turns, both) for group, turns, both in zip(asked, orders, pairs, strict=True)])
    return [next(scored) if _chars(group) <= MAX_CHARS else GroupScores("too_long") for group in groups]


def rubric_hash(rubric: str = RUBRIC) -> str:
    """12 hex digits that change with every word that a judge is told about a group, and with the form of its reply."""
    sample = Group(({"role": "user", "content": "question"},), ("first", "second"))
    request = _request(sample, (0, 1), rubric)
    return sha256_json([request.system, request.user, request.schema])[:12]


def read_scores(text: str, ids: Sequence[str]) -> dict[str, float] | None:
    """The score of each id, in [0, 1]; None unless the reply has each of `ids` exactly once and no other."""
    try:
        listed = parse_reply(text, "scores")
        scores = dict(_entry(entry) for entry in listed)
    except (ValueError, TypeError, RecursionError):
        return None
    return scores if len(listed) == len(scores) and set(scores) == set(ids) else None


def _entry(entry: Any) -> tuple[str, float]:
    if not isinstance(entry, dict) or set(entry) != {"id", "score"} or not isinstance(entry["id"], str):
        raise ValueError('not an object of "id", a text, and "score"')
    score = entry["score"]
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise ValueError(f"{score!r} is no score in [0, 1]")
    return entry["id"], float(score)


def _chars(group: Group) -> int:
    return sum(len(turn["content"]) for turn in group.prompt) + sum(map(len, group.answers))


def _orders(group: Group) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A shuffled order, the same every time, and the same backwards: no answer stands first, or last, twice."""
    order = sorted(range(len(group.answers)), key=lambda place: group.answers[place])
    random.Random(boundary_of(group.prompt, sorted(group.answers))).shuffle(order)
    return tuple(order), tuple(reversed(order))


def _request(group: Group, order: Sequence[int], rubric: str) -> Request:
    shown = [stripped(group.answers[place]) for place in order]
    boundary = boundary_of(group.prompt, shown)
    named = [(f"answer {number}", text) for number, text in enumerate(shown, 1)]
    ids = ", ".join(f'"{number}"' for number in range(1, len(shown) + 1))
    system = system_prompt(GROUP, FORM.format(ids=ids), boundary, rubric)
    return Request(system, user_prompt(group.prompt, named, boundary), GROUP_SCHEMA)


def _decide(group: Group, orders: Sequence[Sequence[int]], replies: Sequence[Reply]) -> GroupScores:
    problems = {reply.problem for reply in replies} - {None}
    if problems:
        return GroupScores("failed" if problems == {"failed"} else "skipped")
    ids = [str(number) for number in range(1, len(group.answers) + 1)]
    turns = []
    for order, reply in zip(orders, replies, strict=True):
        scores = read_scores(reply.text or "", ids)
        if scores is None:
            return GroupScores("invalid_reply")
        by_answer = {place: scores[str(number)] for number, place in enumerate(order, 1)}
        turns.append([by_answer[place] for place in range(len(group.answers))])
    tau = kendall_tau(*turns)
    if tau < 0:
        return GroupScores("orders_disagree", tau=tau)
    means = tuple(sum(both) / ORDERS for both in zip(*turns, strict=True))
    if max(means) - min(means) <= MIN_SPREAD:
        return GroupScores("no_spread", tau=tau)
    return GroupScores("scored", means, tau)


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float:
    """Kendall's tau-b of two rankings of the same answers; 0 if one of them ranks nothing."""
    from scipy.stats import kendalltau

    if len(set(first)) < 2 or len(set(second)) < 2:
        return 0.0
    return float(kendalltau(first, second).statistic)
