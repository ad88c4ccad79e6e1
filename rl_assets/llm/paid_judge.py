"""A judge whose calls come from a budget that it may share with others, and whose replies are kept with their cost."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rl_assets.llm.budget import Budget, most_tokens, require_price
from rl_assets.llm.cache import ReplyCache
from rl_assets.llm.client import Endpoint, Judge, Progress, Reply, Request
from rl_assets.llm.prices import Price


@dataclass(frozen=True)
class Cost:
    """What a reply took when it was made: tokens of prompt and reply, US dollars (None: price unknown), seconds."""

    tokens: int
    usd: float | None
    seconds: float


@dataclass(frozen=True)
class PaidReply(Reply):
    """A reply with its cost, which a later run that finds it in the cache knows, too."""

    cost: Cost | None = None


class PaidJudge(Judge):
    """A judge with replies of at most `max_reply_tokens`. One that counts no tokens is assumed to use the most."""

    def __init__(
        self,
        endpoint: Endpoint,
        cache: ReplyCache,
        budget: Budget,
        price: Price | None,
        log: Callable[[str], None],
        max_reply_tokens: int = 512,
    ) -> None:
        require_price(budget.max_usd, price, endpoint.model)
        super().__init__(endpoint, cache, sys.maxsize, log)
        self.budget, self.price, self.max_reply_tokens = budget, price, max_reply_tokens

    def payload(self, request: Request) -> tuple[Any, ...]:
        return "with cost", self.max_reply_tokens, *super().payload(request)

    def ask(self, requests: Sequence[Request], progress: Progress = lambda total: lambda done: None) -> list[Reply]:
        return [_with_cost(reply) for reply in super().ask(requests, progress)]

    def complete(self, request: Request) -> str | None:
        prompt = most_tokens([request.system, request.user])
        most = prompt + self.max_reply_tokens
        most_usd = self.price.usd(prompt, self.max_reply_tokens) if self.price else 0.0
        with self.budget.claim(most, most_usd) as claim:
            if claim is None:
                return None
            started = time.monotonic()
            completion = self.completion(request, max_tokens=self.max_reply_tokens)
            seconds, usage = round(time.monotonic() - started, 3), completion.usage
            if usage:
                claim.tokens = usage.total_tokens
                claim.usd = self.price.usd(usage.prompt_tokens, usage.completion_tokens) if self.price else 0.0
        usd = claim.usd if self.price else None
        return json.dumps({"text": self.text_of(completion), "tokens": claim.tokens, "usd": usd, "seconds": seconds})


def _with_cost(reply: Reply) -> Reply:
    if reply.text is None:
        return reply
    kept = json.loads(reply.text)
    return PaidReply(kept["text"], None, Cost(kept["tokens"], kept["usd"], kept["seconds"]))
