"""Distillation: a teacher model, as a service, answers logged prompts; finished ones come from the cache."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.core.blank import is_empty_answer, stripped
from rl_assets.core.control_tokens import escape_control_tokens
from rl_assets.features.text_flags import boilerplate, refusals
from rl_assets.llm.budget import Budget, most_tokens, require_price
from rl_assets.llm.cache import ReplyCache
from rl_assets.llm.client import Endpoint, Service
from rl_assets.llm.prices import Price
from rl_assets.models.phase import progress_of
from rl_assets.tables.teacher_answers import TEACHER_ANSWERS

SOURCE = "teacher"


@dataclass(frozen=True)
class Conversation:
    """A logged prompt, turn by turn, with the context that the answering agent had."""

    messages: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Limits:
    """Limits of a run: tokens per answer, and US dollars for all calls together; None for no limit."""

    max_tokens: int = 1024
    max_usd: float | None = None


class Teacher(Service[Conversation]):
    """A service that answers conversations. With a price its cost is counted, and never exceeds the limit."""

    name = "teacher"

    def __init__(
        self,
        endpoint: Endpoint,
        cache: ReplyCache,
        max_calls: int,
        log: Callable[[str], None],
        limits: Limits,
        price: Price | None,
    ) -> None:
        super().__init__(endpoint, cache, max_calls, log)
        require_price(limits.max_usd, price, endpoint.model)
        self.limits, self.price, self.budget = limits, price, Budget(max_usd=limits.max_usd)

    @property
    def usd(self) -> float:
        """US dollars that the calls cost so far; 0 if the price is not known."""
        return self.budget.usd

    def payload(self, request: Conversation) -> tuple[Any, ...]:
        return SOURCE, list(request.messages), self.limits.max_tokens

    def complete(self, request: Conversation) -> str | None:
        worst = self._worst_cost(request)
        with self.budget.claim(0, worst) as claim:
            if claim is None:
                return None
            completion = self._client.chat.completions.create(
                model=self.endpoint.model,
                messages=list(request.messages),
                temperature=0,
                max_tokens=self.limits.max_tokens,
            )
            usage, choice = completion.usage, completion.choices[0] if completion.choices else None
            self._count(usage.total_tokens if usage else 0)
            # A service that does not count its tokens is assumed to have used the maximum.
            claim.usd = self.price.usd(usage.prompt_tokens, usage.completion_tokens) if self.price and usage else worst
        return json.dumps(
            {
                "text": (choice.message.content if choice else None) or "",
                "finished": choice is not None and choice.finish_reason == "stop",
                "prompt_tokens": usage.prompt_tokens if usage else None,
                "completion_tokens": usage.completion_tokens if usage else None,
            }
        )

    def _worst_cost(self, request: Conversation) -> float:
        """US dollars that this call costs at most; 0 if the price is not known."""
        if self.price is None:
            return 0.0
        prompt = most_tokens([turn["content"] for turn in request.messages])
        return self.price.usd(prompt, self.limits.max_tokens)


@dataclass(frozen=True)
class Distilled:
    """The rows of a day; how many prompts were selected, and why the others have no row, by reason."""

    rows: list[dict[str, Any]]
    prompts: int
    dropped: dict[str, int]

    def reader(self) -> pa.RecordBatchReader:
        """The rows for publishing."""
        return pa.Table.from_pylist(self.rows, schema=TEACHER_ANSWERS.schema).to_reader()


def distill(
    connection: duckdb.DuckDBPyConnection, teacher: Teacher, day: str, below: float, max_prompts: int
) -> Distilled:
    """The teacher's answers to at most `max_prompts` training prompts of `rated` with a best reward less than `below`.

    Answers that are empty, cut off, refusals or stock phrases are dropped, and so are prompts that the budget leaves.
    """
    prompts = (
        sql.select(connection, "annotation/teacher_candidates", below=below, max_prompts=max_prompts)
        .to_arrow_table()
        .to_pylist()
    )
    conversations = [conversation(row["prompt"], row["context"]) for row in prompts]
    replies = teacher.ask(conversations, progress_of("answers of the teacher", teacher.log))
    rows: list[dict[str, Any]] = []
    dropped: Counter[str] = Counter()
    for row, reply in zip(prompts, replies, strict=True):
        answer = json.loads(reply.text) if reply.text is not None else None
        if answer is None or (fault := _fault(answer)):
            dropped[str(reply.problem if answer is None else fault)] += 1
            continue
        rows.append(_row(row, answer, date.fromisoformat(day), teacher.endpoint.model))
    return Distilled(rows, len(prompts), dict(sorted(dropped.items())))


def conversation(prompt: Sequence[dict[str, str]], context: str | None) -> Conversation:
    """The prompt with the context that the answering agent had, if it was logged, at the end of the system turn.

    Control tokens in the texts are escaped: what a user typed is no turn.
    """
    prompt = [turn | {"content": escape_control_tokens(turn["content"])} for turn in prompt]
    if not context:
        return Conversation(tuple(prompt))
    system, turns = (prompt[0]["content"], prompt[1:]) if prompt[0]["role"] == "system" else ("", prompt)
    content = f"{system}\n\n{escape_control_tokens(context)}".strip()
    return Conversation(({"role": "system", "content": content}, *turns))


def _fault(answer: dict[str, Any]) -> str | None:
    """Why an answer is dropped; None for one to train on."""
    text = stripped(answer["text"])
    if is_empty_answer(text):
        return "empty"
    if not answer["finished"]:
        return "cut off"
    texts = pa.array([text])
    return "refusal" if refusals(texts)[0].as_py() else "boilerplate" if boilerplate(texts)[0].as_py() else None


def _row(row: dict[str, Any], answer: dict[str, Any], day: date, model: str) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("interaction_id", "prompt_key", "segment", "category")},
        "day": day,
        "answer": stripped(answer["text"]),
        "source": SOURCE,
        "model": model,
        **{name: answer[name] for name in ("prompt_tokens", "completion_tokens")},
    }
