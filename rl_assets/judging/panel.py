"""A panel: every judge scores every answer as every persona, one dimension and one answer per call.

No persona sees another's verdict, since one that does anchors on the first voice. The score of a dimension is the mean
over models, each with one vote however many personas it plays (PoLL, arXiv:2404.18796).
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from rl_assets.core.chat import Message
from rl_assets.core.files import sha256_json
from rl_assets.judging.personas import CRITIC, Persona
from rl_assets.judging.probes import PROBES, Probe
from rl_assets.judging.prompts import RATING_SCHEMA, boundary_of, rating_task, system_prompt, user_prompt
from rl_assets.judging.verdicts import read_rating
from rl_assets.llm.client import Reply, Request
from rl_assets.llm.paid_judge import Cost, PaidJudge, PaidReply
from rl_assets.models.phase import progress_of

# Characters of a prompt with its context and answer; more would not fit into a small judge's context.
MAX_CHARS = 60_000
# Answers that all judges score before the next are begun: what a budget leaves is answers, not judges.
BATCH = 4
FORM = '"score": a whole number from 1 to 5'
Outcome = Literal["scored", "too_long", "skipped", "failed", "invalid_reply"]


@dataclass(frozen=True)
class PanelAnswer:
    """An answer to a prompt, with the context that the agent had."""

    interaction_id: str
    prompt: tuple[Message, ...]
    answer: str
    context: str | None = None

    @property
    def chars(self) -> int:
        """Characters that a judge would read."""
        return sum(len(turn["content"]) for turn in self.prompt) + len(self.answer) + len(self.context or "")


@dataclass(frozen=True)
class Vote:
    """A judge's score of an answer as one persona, in [0, 1], with why and at what cost; None without a valid one."""

    interaction_id: str
    judge: str
    model: str
    persona: str
    dimension: str
    outcome: Outcome
    value: float | None = None
    rationale: str | None = None
    cost: Cost | None = None


def ask_panel(
    judges: Mapping[str, PaidJudge], personas: Sequence[Persona], answers: Sequence[PanelAnswer]
) -> list[Vote]:
    """Every judge's vote on every answer as every persona; judges work side by side."""
    log = next(iter(judges.values())).log
    report = progress_of("answers scored by the panel", log)(len(answers))
    votes: list[Vote] = []
    with ThreadPoolExecutor(len(judges)) as pool:
        for start in range(0, len(answers), BATCH):
            batch = answers[start : start + BATCH]
            work = [pool.submit(_votes, name, judge, personas, batch) for name, judge in judges.items()]
            votes += [vote for one in work for vote in one.result()]
            report(start + len(batch))
    return votes


def _votes(name: str, judge: PaidJudge, personas: Sequence[Persona], answers: Sequence[PanelAnswer]) -> list[Vote]:
    asked = [(answer, persona) for answer in answers for persona in personas]
    replies = iter(judge.ask([_request(*pair) for pair in asked if pair[0].chars <= MAX_CHARS]))
    return [
        _vote(name, judge.endpoint.model, *pair, next(replies) if pair[0].chars <= MAX_CHARS else None)
        for pair in asked
    ]


def _vote(name: str, model: str, answer: PanelAnswer, persona: Persona, reply: Reply | None) -> Vote:
    about = (answer.interaction_id, name, model, persona.name, persona.dimension)
    if reply is None:
        return Vote(*about, "too_long")
    if reply.text is None:
        return Vote(*about, "failed" if reply.problem == "failed" else "skipped")
    cost = reply.cost if isinstance(reply, PaidReply) else None
    rating = read_rating(reply.text)
    if rating is None:
        return Vote(*about, "invalid_reply", cost=cost)
    rationale, stars = rating
    return Vote(*about, "scored", (stars - 1) / 4, rationale, cost)


def _request(answer: PanelAnswer, persona: Persona) -> Request:
    named = [("context", answer.context)] if answer.context else []
    shown = [*named, ("answer", answer.answer)]
    boundary = boundary_of(answer.prompt, [text for _, text in shown])
    task = rating_task(persona.dimension, persona.anchors)
    return Request(
        system_prompt(task, FORM, boundary, persona.rubric), user_prompt(answer.prompt, shown, boundary), RATING_SCHEMA
    )


def persona_hash(persona: Persona) -> str:
    """12 hex digits that change with every word that a judge is told as this persona, and with its reply's form."""
    request = _request(PanelAnswer("", ({"role": "user", "content": "question"},), "answer"), persona)
    return sha256_json([request.system, request.user, request.schema])[:12]


def failed_panel_probes(name: str, judge: PaidJudge) -> list[str]:
    """Questions of known answer that a judge, alone with one answer, scores wrong, as sentences; cached like others."""
    sides = [(probe, text) for probe in PROBES for text in (probe.right, probe.wrong)]
    answers = [PanelAnswer("", probe.pair.prompt, text) for probe, text in sides]
    replies = judge.ask([_request(answer, CRITIC) for answer in answers])
    return [
        sentence
        for probe, right, wrong in zip(PROBES, replies[::2], replies[1::2], strict=True)
        if (sentence := _probe_problem(name, probe, right, wrong))
    ]


def _probe_problem(name: str, probe: Probe, right: Reply, wrong: Reply) -> str | None:
    if right.text is None or wrong.text is None:
        return f'{name}: the test question "{probe.question}" was not answered: the budget was spent, or it was down.'
    ratings = read_rating(right.text), read_rating(wrong.text)
    if ratings[0] is None or ratings[1] is None:
        return f'{name} gave no valid score to the test question "{probe.question}".'
    if ratings[0][1] > ratings[1][1]:
        return None
    return f'{name}: {probe.mistake[0].lower()}{probe.mistake[1:]} "{probe.question}".'


def pooled(votes: Sequence[Vote]) -> dict[tuple[str, str], tuple[float, int]]:
    """The score of each (answer, dimension) and how many models voted: the mean over models of their personas' mean."""
    values: dict[tuple[str, str], dict[str, list[float]]] = {}
    for vote in votes:
        if vote.value is not None:
            by_model = values.setdefault((vote.interaction_id, vote.dimension), {})
            by_model.setdefault(vote.model, []).append(vote.value)
    return {key: (fmean(map(fmean, by_model.values())), len(by_model)) for key, by_model in values.items()}
