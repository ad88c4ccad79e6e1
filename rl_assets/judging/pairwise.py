"""Which of two answers is better, in both orders: the same winner in both decides, anything else is a tie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rl_assets.core.blank import stripped
from rl_assets.core.chat import Message
from rl_assets.core.files import sha256_json
from rl_assets.judging.prompts import PAIR, PAIR_SCHEMA, RUBRIC, boundary_of, system_prompt, user_prompt
from rl_assets.judging.verdicts import Choice, read_choice
from rl_assets.llm.client import Judge, Reply, Request
from rl_assets.models.phase import progress_of

Outcome = Literal["first", "second", "tie", "invalid", "skipped"]
FORM = '"verdict": "1", "2" or "tie"'


@dataclass(frozen=True)
class AnswerPair:
    """Two answers to one prompt; `cluster` is what resampling draws."""

    prompt: tuple[Message, ...]
    first: str
    second: str
    cluster: str

    @property
    def identical(self) -> bool:
        """Whether there is nothing to compare."""
        return stripped(self.first) == stripped(self.second)


@dataclass(frozen=True)
class PairVerdict:
    """The verdict on a pair, and the judge's choices when `first` (`forward`) and `second` (`backward`) came first.

    `forward` and `backward` are positions; both are None if the answers were identical and no call was made.
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


def judge_pairs(judge: Judge, pairs: Sequence[AnswerPair], rubric: str = RUBRIC) -> list[PairVerdict]:
    """A verdict on each pair. Identical answers are a tie without a call; a failed call or parse is "invalid"."""
    different = [pair for pair in pairs if not pair.identical]
    requests = [_request(pair, swapped, rubric) for pair in different for swapped in (False, True)]
    replies = judge.ask(requests, progress_of("calls of the judge", judge.log))
    verdicts = iter([_decide(*both) for both in zip(replies[::2], replies[1::2], strict=True)])
    return [PairVerdict("tie") if pair.identical else next(verdicts) for pair in pairs]


def rubric_hash(rubric: str = RUBRIC) -> str:
    """12 hex digits that change with every word that a judge is told about a pair, and with the form of its reply."""
    sample = AnswerPair(({"role": "user", "content": "question"},), "first", "second", "")
    request = _request(sample, swapped=False, rubric=rubric)
    return sha256_json([request.system, request.user, request.schema])[:12]


def _request(pair: AnswerPair, swapped: bool, rubric: str) -> Request:
    answers = (pair.second, pair.first) if swapped else (pair.first, pair.second)
    boundary = boundary_of(pair.prompt, answers)
    named = [(f"answer {number}", text) for number, text in enumerate(answers, 1)]
    return Request(system_prompt(PAIR, FORM, boundary, rubric), user_prompt(pair.prompt, named, boundary), PAIR_SCHEMA)


def _decide(forward: Reply, backward: Reply) -> PairVerdict:
    if {forward.problem, backward.problem} & {"budget", "gave up"}:
        return PairVerdict("skipped")
    ours, theirs = (read_choice(reply.text) if reply.text else None for reply in (forward, backward))
    if ours is None or theirs is None:
        return PairVerdict("invalid", ours, theirs)
    same = ours == _swapped(theirs) and ours != "tie"
    return PairVerdict(("first" if ours == "1" else "second") if same else "tie", ours, theirs)
