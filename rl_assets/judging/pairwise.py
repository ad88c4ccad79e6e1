"""Which of two answers is better, asked in both orders: the same winner in both decides, anything else is a tie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rl_assets.core.chat import Message
from rl_assets.judging.prompts import PAIR, PAIR_SCHEMA, RUBRIC, mark_of, rules, shown
from rl_assets.judging.verdicts import Choice, read_choice
from rl_assets.llm.client import Judge, Reply, Request

Outcome = Literal["first", "second", "tie", "invalid", "not asked"]
FORM = '"verdict": "1", "2" or "tie"'


@dataclass(frozen=True)
class Duel:
    """Two answers to one prompt; `cluster` is what resampling draws."""

    prompt: tuple[Message, ...]
    first: str
    second: str
    cluster: str


@dataclass(frozen=True)
class Judged:
    """The verdict on a duel, and what the judge said when `first` (`forward`) and `second` (`backward`) came first.

    `forward` and `backward` are positions; both are None where the answers were identical and nobody was asked.
    """

    outcome: Outcome
    forward: Choice | None = None
    backward: Choice | None = None

    @property
    def consistent(self) -> bool | None:
        """Whether both orders name the same answer, or both none; None without two valid replies."""
        if self.forward is None or self.backward is None:
            return None
        return self.forward == _swapped(self.backward)


def _swapped(choice: Choice) -> Choice:
    swapped: dict[Choice, Choice] = {"1": "2", "2": "1", "tie": "tie"}
    return swapped[choice]


def judge_pairs(judge: Judge, duels: Sequence[Duel], rubric: str = RUBRIC) -> list[Judged]:
    """A verdict on each duel. Identical answers are a tie without a call; a failed call or parse is "invalid"."""
    asked = [duel for duel in duels if duel.first.strip() != duel.second.strip()]
    requests = [_request(duel, swapped, rubric) for duel in asked for swapped in (False, True)]
    replies = judge.ask(requests)
    found = iter([_decide(*pair) for pair in zip(replies[::2], replies[1::2], strict=True)])
    return [next(found) if duel.first.strip() != duel.second.strip() else Judged("tie") for duel in duels]


def _request(duel: Duel, swapped: bool, rubric: str) -> Request:
    answers = (duel.second, duel.first) if swapped else (duel.first, duel.second)
    mark = mark_of(duel.prompt, answers)
    named = [(f"answer {number}", text) for number, text in enumerate(answers, 1)]
    return Request(rules(PAIR, FORM, mark, rubric), shown(duel.prompt, named, mark), PAIR_SCHEMA)


def _decide(forward: Reply, backward: Reply) -> Judged:
    if {forward.problem, backward.problem} & {"budget", "gave up"}:
        return Judged("not asked")
    ours, theirs = (read_choice(reply.text) if reply.text else None for reply in (forward, backward))
    if ours is None or theirs is None:
        return Judged("invalid", ours, theirs)
    same = ours == _swapped(theirs) and ours != "tie"
    return Judged(("first" if ours == "1" else "second") if same else "tie", ours, theirs)
