"""The client for models behind an OpenAI-compatible endpoint: cache, budget, bounded concurrency and back-off.

A judge and a teacher are such services.
"""

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from rl_assets.core.files import sha256_json
from rl_assets.llm.cache import ReplyCache

# Failures in a row after which the service counts as down, and the rest is left for another run.
GIVE_UP_AFTER = 5
MAX_REPLY_CHARS = 20_000


@dataclass(frozen=True)
class Endpoint:
    """Where the model is and how patient to be: seconds per call, retries after the first try, concurrent calls."""

    base_url: str
    model: str
    api_key: str = field(repr=False)
    timeout_s: float = 60.0
    retries: int = 4
    concurrency: int = 4


@dataclass(frozen=True)
class Request:
    """One request to the judge; `sample` numbers repeated draws of one request."""

    system: str
    user: str
    schema: dict[str, Any]
    temperature: float = 0.0
    sample: int = 0


@dataclass(frozen=True)
class Reply:
    """The model's text, or why there is none: "failed" (the service), "budget" or "gave up" (not sent)."""

    text: str | None
    problem: str | None = None


R = TypeVar("R")
Progress = Callable[[int], Callable[[float], None]]


class Service(ABC, Generic[R]):
    """Sends each distinct request once. Not sent are those above `max_calls` in the life of this object, and those that
    remain when the service fails again and again; a later run can send both.

    A subclass says what shapes a reply (`payload`) and how to get one (`complete`).
    """

    name = "service"

    def __init__(self, endpoint: Endpoint, cache: ReplyCache, max_calls: int, log: Callable[[str], None]) -> None:
        self.endpoint, self.cache, self.max_calls, self.log = endpoint, cache, max_calls, log
        self.calls, self.from_cache, self.tokens = 0, 0, 0
        self.failures: Counter[str] = Counter()
        self._claimed, self._failed_in_a_row = 0, 0
        self._lock = threading.Lock()

    @cached_property
    def _client(self) -> Any:
        from openai import OpenAI

        # The key is passed in any case: without one the library would send another service's from the environment.
        return OpenAI(
            base_url=self.endpoint.base_url,
            api_key=self.endpoint.api_key,
            timeout=self.endpoint.timeout_s,
            max_retries=self.endpoint.retries,
        )

    @abstractmethod
    def payload(self, request: R) -> tuple[Any, ...]:
        """Everything of a request that shapes its reply, as JSON values."""

    @abstractmethod
    def complete(self, request: R) -> str | None:
        """The reply, or None if the call would cost more than is left. May raise an OpenAIError."""

    def key(self, request: R) -> str:
        """The cache key of a reply: everything that shapes it, and which model gave it."""
        return sha256_json([self.endpoint.base_url, self.endpoint.model, *self.payload(request)])

    def ask(self, requests: Sequence[R], progress: Progress = lambda total: lambda done: None) -> list[Reply]:
        """A reply to each request, in order; equal requests are sent once.

        Rate limits, server errors and time-outs are retried with growing pauses. Never raises for them. `progress` is
        given the number of calls, and what it gives is called with how many are done.
        """
        keys = [self.key(request) for request in requests]
        replies = {key: Reply(text) for key in set(keys) if (text := self.cache.get(key)) is not None}
        self.from_cache += len(replies)
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in replies}
        affordable = list(missing.items())[: max(0, self.max_calls - self._claimed)]
        self._claimed += len(affordable)
        with ThreadPoolExecutor(self.endpoint.concurrency) as pool:
            replied, report = pool.map(lambda pair: self._one(*pair), affordable), progress(len(affordable))
            for done, ((key, _), reply) in enumerate(zip(affordable, replied, strict=True), 1):
                replies[key] = reply
                report(done)
        return [replies.get(key, Reply(None, "budget")) for key in keys]

    def _one(self, key: str, request: R) -> Reply:
        if self._failed_in_a_row >= GIVE_UP_AFTER:
            return Reply(None, "gave up")
        from openai import OpenAIError

        with self._lock:
            self.calls += 1
        try:
            text = self.complete(request)
        except OpenAIError as error:
            return self._failed(error)
        if text is None:
            with self._lock:
                self.calls -= 1
            return Reply(None, "budget")
        with self._lock:
            self._failed_in_a_row = 0
        self.cache.put(key, self.endpoint.model, text)
        return Reply(text)

    def _failed(self, error: Exception) -> Reply:
        # The status alone: an error's text is the service's, and may quote the key or the answers.
        what = f"{type(error).__name__} {getattr(error, 'status_code', '')}".strip()
        with self._lock:
            self._failed_in_a_row += 1
            self.failures[what] += 1
        self.log(f"the {self.name} did not answer: {what}")
        return Reply(None, "failed")

    def _count(self, tokens: int) -> None:
        with self._lock:
            self.tokens += tokens


class Judge(Service[Request]):
    """A service that gives verdicts in a JSON form."""

    name = "judge"
    _structured = True

    def payload(self, request: Request) -> tuple[Any, ...]:
        return request.system, request.user, request.schema, request.temperature, request.sample

    def complete(self, request: Request) -> str | None:
        return self.text_of(self.completion(request))

    def completion(self, request: Request, **options: Any) -> Any:
        """The service's completion; `options` are further parameters of the call."""
        from openai import BadRequestError

        try:
            return self._send(request, self._structured, options)
        except BadRequestError:
            if not self._structured:
                raise
            # Many compatible servers know no response formats; the prompt requests the same form.
            self._structured = False
            return self._send(request, False, options)

    @staticmethod
    def text_of(completion: Any) -> str:
        """The text of a completion. One without a choice or a text is no verdict, and counted where it is read."""
        text = completion.choices[0].message.content if completion.choices else None
        return (text or "")[:MAX_REPLY_CHARS]

    def _send(self, request: Request, structured: bool, options: dict[str, Any]) -> Any:
        messages = [{"role": "system", "content": request.system}, {"role": "user", "content": request.user}]
        schema = {"name": "verdict", "strict": True, "schema": request.schema}
        form = {"response_format": {"type": "json_schema", "json_schema": schema}} if structured else {}
        completion = self._client.chat.completions.create(
            model=self.endpoint.model, messages=messages, temperature=request.temperature, **form, **options
        )
        self._count(completion.usage.total_tokens if completion.usage else 0)
        return completion
