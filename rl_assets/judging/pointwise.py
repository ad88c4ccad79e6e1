"""A score for one answer on its own, on an anchored scale, averaged over samples."""

from collections.abc import Sequence

from rl_assets.core.chat import Message
from rl_assets.judging.prompts import POINT, POINT_SCHEMA, RUBRIC, boundary_of, system_prompt, user_prompt
from rl_assets.judging.verdicts import read_score
from rl_assets.llm.client import Judge, Request

FORM = '"score": a number from 0 to 1'
# Samples at temperature 0 would repeat each other.
SAMPLING_TEMPERATURE = 0.7


def score_answers(
    judge: Judge, answers: Sequence[tuple[Sequence[Message], str]], samples: int = 1, rubric: str = RUBRIC
) -> list[float | None]:
    """The mean of the valid ones among `samples` scores in [0, 1] for each (prompt, answer); None without any."""
    temperature = 0.0 if samples == 1 else SAMPLING_TEMPERATURE
    requests = [_request(*row, rubric, temperature, sample) for row in answers for sample in range(samples)]
    scores = [read_score(reply.text) if reply.text else None for reply in judge.ask(requests)]
    groups = (scores[start : start + samples] for start in range(0, len(scores), samples))
    return [_mean([score for score in group if score is not None]) for group in groups]


def _mean(scores: Sequence[float]) -> float | None:
    return sum(scores) / len(scores) if scores else None


def _request(prompt: Sequence[Message], answer: str, rubric: str, temperature: float, sample: int) -> Request:
    boundary = boundary_of(prompt, [answer])
    system = system_prompt(POINT, FORM, boundary, rubric)
    return Request(system, user_prompt(prompt, [("answer", answer)], boundary), POINT_SCHEMA, temperature, sample)
