"""Scripted users of the parts desk: they ask through the `openai` client, and say whether the answer was right.

Each user is one conversation of a few questions, every one with a single turn. A question is put by several users, so
that different arms answer it. Half of the users tell the gateway what they think, half the feedback service.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2

from rl_assets.models.phase import Phase
from rl_assets.models.tiny.parts_manual import SEGMENT, Question, answer_text, questions, verified_reward
from rl_assets.quickstart.sources.parts import SEED

QUESTIONS_PER_USER = 2
DISTINCT_QUESTIONS = 120
CORRECTED_SHARE = 0.5
AT_ONCE = 8
MAX_TOKENS = 48
NOT_NEEDED = "not needed"  # The client insists on a key; a gateway on this machine asks for none.


@dataclass(frozen=True)
class Doors:
    """Addresses of the gateway and the service, and the service's key for programs."""

    gateway: str
    service: str
    key: str


@dataclass
class Traffic:
    """What users saw: the arm of each answer by its id, calls that failed, and verdicts that were acknowledged.

    `by_gateway` holds ids of feedback, `by_service` those of the answers that got a reward.
    """

    answers: dict[str, str] = field(default_factory=dict)
    failed_calls: int = 0
    by_gateway: list[str] = field(default_factory=list)
    by_service: list[str] = field(default_factory=list)
    right: int = 0


def let_users_ask(doors: Doors, users: int, seed: str, log: Callable[[str], None]) -> Traffic:
    """The traffic of so many users; equal seeds ask the same."""
    return asyncio.run(_ask_all(doors, users, seed, log))


async def _ask_all(doors: Doors, users: int, seed: str, log: Callable[[str], None]) -> Traffic:
    from openai import AsyncOpenAI

    draw, traffic, slots = Random(seed), Traffic(), asyncio.Semaphore(AT_ONCE)
    pool = draw.sample(questions(SEED), DISTINCT_QUESTIONS)
    phase, done = Phase("users", users, log), 0
    async with (
        AsyncOpenAI(base_url=f"{doors.gateway}/v1", api_key=NOT_NEEDED, max_retries=0) as client,
        httpx2.AsyncClient(timeout=30) as http,
    ):

        async def visit(number: int) -> None:
            nonlocal done
            user = User(f"{seed}-user-{number:03d}", number, Random(f"{seed}-{number}"), doors, client, http)
            async with slots:
                await user.visit(pool, traffic)
            done += 1
            phase.report(done)

        await asyncio.gather(*(visit(number) for number in range(users)))
    return traffic


@dataclass(frozen=True)
class User:
    """One user, with an id and a chance of their own."""

    name: str
    number: int
    draw: Random
    doors: Doors
    client: Any
    http: httpx2.AsyncClient

    async def visit(self, pool: Sequence[Question], traffic: Traffic) -> None:
        """Ask some questions, and say of each answer whether it was right."""
        for question in self.draw.sample(pool, QUESTIONS_PER_USER):
            asked = await self._ask(question, traffic)
            if asked is not None:
                await self._judge(question, *asked, traffic)

    async def _ask(self, question: Question, traffic: Traffic) -> tuple[str, str] | None:
        """The id and the text of an answer; None if the call failed."""
        from openai import OpenAIError

        headers = {"x-segment": SEGMENT, "x-category": question.attribute, "x-conversation-id": self.name}
        try:
            raw = await self.client.chat.completions.with_raw_response.create(
                model="auto",
                messages=[{"role": "user", "content": question.text}],
                max_tokens=MAX_TOKENS,
                temperature=0,
                user=self.name,
                extra_headers=headers,
            )
        except OpenAIError:
            traffic.failed_calls += 1
            return None
        interaction = raw.headers["x-interaction-id"]
        traffic.answers[interaction] = raw.headers["x-arm"]
        return interaction, raw.parse().choices[0].message.content or ""

    async def _judge(self, question: Question, interaction: str, answer: str, traffic: Traffic) -> None:
        right = verified_reward(question, answer) == 1
        traffic.right += right
        if self.number % 2 == 0:
            await self._tell_gateway(question, interaction, right, traffic)
        else:
            await self._tell_service(interaction, right, traffic)

    async def _tell_gateway(self, question: Question, interaction: str, right: bool, traffic: Traffic) -> None:
        """Thumbs, and of some wrong answers what would have been right."""
        said: dict[str, str] = {"interaction_id": interaction, "thumbs": "up" if right else "down"}
        if not right and self.draw.random() < CORRECTED_SHARE:
            said["correction"] = answer_text(question.value, question.image)
        reply = await self.http.post(f"{self.doors.gateway}/v1/feedback", json=said | {"user_id": self.name})
        reply.raise_for_status()
        traffic.by_gateway.append(reply.json()["feedback_id"])

    async def _tell_service(self, interaction: str, right: bool, traffic: Traffic) -> None:
        """A reward, under an id of our own: sent again it would be the same."""
        said = {
            "interaction_id": interaction,
            "reward": float(right),
            "feedback_id": f"{interaction}-verdict",
            "user_id": self.name,
        }
        reply = await self.http.post(
            f"{self.doors.service}/feedback", json=said, headers={"Authorization": f"Bearer {self.doors.key}"}
        )
        reply.raise_for_status()
        traffic.by_service.append(interaction)
