"""What the calls of a run may cost together: calls, tokens and US dollars, each claimed before its call is made."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rl_assets.llm.prices import Price

# What a chat template may add to a message, in tokens, at most; a token is a byte or more.
TOKENS_PER_MESSAGE = 16


@dataclass
class Claim:
    """A call that may be made; until it is settled it counts with the most that it can cost."""

    tokens: int
    usd: float


@dataclass
class Budget:
    """Limits of all services that share it, None for no limit, and what was spent so far.

    A call that was made counts, whether or not it was answered; one that failed costs no tokens.
    """

    max_calls: int | None = None
    max_tokens: int | None = None
    max_usd: float | None = None
    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    _open: list[Claim] = field(default_factory=list, repr=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    @contextmanager
    def claim(self, tokens: int, usd: float) -> Iterator[Claim | None]:
        """Room for a call that costs at most so much, or None; waits for open calls that may turn out cheaper.

        The caller sets the claim's `tokens` and `usd` to what the call cost.
        """
        worst = Claim(tokens, usd)
        with self._changed:
            self._changed.wait_for(lambda: self._has_room(worst) or not self._open or self._no_call_is_left())
            granted = self._has_room(worst)
            if granted:
                self.calls += 1
                self._open.append(worst)
        if not granted:
            yield None
            return
        try:
            yield worst
        except BaseException:
            worst.tokens, worst.usd = 0, 0.0
            raise
        finally:
            with self._changed:
                self._open = [claim for claim in self._open if claim is not worst]
                self.tokens += worst.tokens
                self.usd += worst.usd
                self._changed.notify_all()

    def _has_room(self, worst: Claim) -> bool:
        tokens = self.tokens + sum(claim.tokens for claim in self._open) + worst.tokens
        usd = self.usd + sum(claim.usd for claim in self._open) + worst.usd
        return not (
            self._no_call_is_left()
            or (self.max_tokens is not None and tokens > self.max_tokens)
            or (self.max_usd is not None and usd > self.max_usd)
        )

    def _no_call_is_left(self) -> bool:
        return self.max_calls is not None and self.calls >= self.max_calls


def require_price(max_usd: float | None, price: Price | None, model: str) -> None:
    """ValueError if US dollars are limited, and the model's price is not known."""
    if max_usd is not None and price is None:
        raise ValueError(
            f"max_usd limits what {model} may cost, and its price is not known: "
            "name the model in <home>/prices.yaml, or limit max_calls instead"
        )


def most_tokens(texts: list[str]) -> int:
    """Tokens that messages of these texts have at most."""
    return sum(len(text.encode("utf-8")) + TOKENS_PER_MESSAGE for text in texts)
