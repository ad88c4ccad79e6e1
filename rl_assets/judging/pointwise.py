"""A score for one answer on its own, on an anchored scale."""

from collections.abc import Sequence

from rl_assets.core.chat import Message
from rl_assets.judging.prompts import POINT, POINT_SCHEMA, RUBRIC, boundary_of, system_prompt, user_prompt
from rl_assets.judging.verdicts import read_score
from rl_assets.llm.client import Judge, Request
from rl_assets.models.phase import progress_of

FORM = '"score": a number from 0 to 1'


def score_answers(judge: Judge, answers: Sequence[tuple[Sequence[Message], str]]) -> list[float | None]:
    """A score in [0, 1] for each (prompt, answer); None without a valid one."""
    requests = [_request(prompt, answer) for prompt, answer in answers]
    replies = judge.ask(requests, progress_of("ratings by the judge", judge.log))
    return [read_score(reply.text) if reply.text else None for reply in replies]


def _request(prompt: Sequence[Message], answer: str) -> Request:
    boundary = boundary_of(prompt, [answer])
    system = system_prompt(POINT, FORM, boundary, RUBRIC)
    return Request(system, user_prompt(prompt, [("answer", answer)], boundary), POINT_SCHEMA)
