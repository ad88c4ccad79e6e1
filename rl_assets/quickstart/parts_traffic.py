"""Logs of the parts desk: what agents of different quality answered, and what a verifier gave each answer.

Everyday traffic is answered once, by an agent that mostly knows the manual but shows an image for any question. A
smaller share of the prompts is a comparison: four agents answer the same prompt, so one answer is known to be better
than another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from rl_assets.models.tiny.parts_manual import (
    ATTRIBUTES,
    NO_IMAGE,
    SEGMENT,
    Question,
    answer_text,
    manual,
    questions,
    verified_reward,
)

Record = dict[str, Any]

PROMPTS = 3072
COMPARED_SHARE = 0.19
FEEDBACK_DELAY_S = (20, 900)


@dataclass(frozen=True)
class Agent:
    """How often an agent shows the part's image for looks and otherwise, gets the value wrong, or breaks the JSON."""

    name: str
    image_for_looks: float
    image_otherwise: float
    wrong: float
    invalid_json: float
    latency_ms: int


EVERYDAY = Agent("desk-v1", 0.75, 0.75, 0.02, 0.0, 420)
CAREFUL = Agent("desk-careful", 0.99, 0.01, 0.01, 0.0, 910)
SHOWY = Agent("desk-showy", 1.0, 1.0, 0.02, 0.0, 380)
SLOPPY = Agent("desk-sloppy", 0.5, 0.5, 0.2, 0.2, 150)
COMPARED = (CAREFUL, EVERYDAY, SHOWY, SLOPPY)


@dataclass(frozen=True)
class PromptRequest:
    """When and by whom a prompt was sent; compared agents answer the same request."""

    moment: datetime
    session: str
    user: str


@dataclass(frozen=True)
class PartsLog:
    """Records as they land: answers in the interaction_log format, their feedback in the reward_log format."""

    interactions: list[Record]
    rewards: list[Record]


def parts_log(days: Sequence[date], seed: int) -> PartsLog:
    """Traffic spread evenly over `days`; an interaction and its reward share their day, equal seeds give equal logs."""
    if not days:
        raise ValueError("parts_log needs at least one day to put traffic on; got none.")
    draw = Random(f"traffic-{seed}")
    sampled = draw.sample(questions(seed), PROMPTS)
    others = _values(seed)
    log = PartsLog([], [])
    for number, question in enumerate(sampled):
        request = _request(draw, days[number * len(days) // PROMPTS])
        for agent in COMPARED if draw.random() < COMPARED_SHARE else (EVERYDAY,):
            answer = _answer(draw, question, agent, others[question.attribute])
            identity = {"interaction_id": f"parts-{len(log.interactions) + 1:05d}"}
            log.interactions.append(identity | _interaction(draw, question, agent, answer, request))
            log.rewards.append(identity | _reward(draw, verified_reward(question, answer), request))
    return log


def _values(seed: int) -> dict[str, list[str]]:
    """Every value that an attribute takes in the manual: what a wrong answer is drawn from."""
    return {name: sorted({part.facts[name] for part in manual(seed)}) for name in ATTRIBUTES}


def _request(draw: Random, day: date) -> PromptRequest:
    second = draw.randrange(6 * 3600, 22 * 3600)
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second)
    return PromptRequest(moment, session=f"s{draw.randrange(16**6):06x}", user=f"u{draw.randrange(200):03d}")


def _interaction(draw: Random, question: Question, agent: Agent, answer: str, request: PromptRequest) -> Record:
    return {
        "timestamp": _iso(request.moment),
        "query": question.text,
        "answer": answer,
        "agent_type": agent.name,
        "quality_scores": {},
        "session_id": request.session,
        "user_id": request.user,
        "latency_ms": round(agent.latency_ms * draw.lognormvariate(0, 0.25)),
        "tools_used": [],
        "error_occurred": False,
        "segment": SEGMENT,
        "category": question.attribute,
    }


def _reward(draw: Random, reward: float, request: PromptRequest) -> Record:
    given = request.moment + timedelta(seconds=draw.randint(*FEEDBACK_DELAY_S))
    return {"type": "feedback", "reward": reward, "timestamp": _iso(given), "source": "verifier"}


def _answer(draw: Random, question: Question, agent: Agent, values: Sequence[str]) -> str:
    looks = question.image != NO_IMAGE
    shown = draw.random() < (agent.image_for_looks if looks else agent.image_otherwise)
    wrong = draw.random() < agent.wrong
    value = draw.choice([other for other in values if other != question.value]) if wrong else question.value
    text = answer_text(value, question.part.image if shown else NO_IMAGE)
    return text.removesuffix('"}') if draw.random() < agent.invalid_json else text


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
