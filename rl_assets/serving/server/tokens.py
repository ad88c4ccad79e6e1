"""One answer's tokens as they come: chosen from logits, turned into text piece by piece, and ended where it stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rl_assets.serving.server.errors import RefusedError
from rl_assets.serving.server.served_adapters import ServedAdapter

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

Finish = Literal["stop", "length"]
INCOMPLETE = "\ufffd"
# Below it, probabilities overflow: the likeliest token has them all.
GREEDY_BELOW = 1e-5
PLANNED_TOKENS = 1024


@dataclass(frozen=True)
class TokenScore:
    """A generated token's id and natural log-probability at temperature 1, and the likeliest at its position."""

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Piece:
    """What one token added: text that can be shown now, and how the answer ended if it did."""

    text: str
    token: int
    score: TokenScore | None
    finish: Finish | None


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen. `temperature` 0 is greedy; `top_p` keeps the likeliest tokens of that mass."""

    temperature: float
    top_p: float
    seed: int | None


@dataclass(eq=False)
class Answer:
    """An answer in the making: what was asked, and what is there so far. `deliver` takes pieces, or the failure.

    `alternatives` are the likeliest tokens to report at each position, None for no log-probabilities. Who asked sets
    `abandoned`: the answer is dropped before the next token.
    """

    adapter: ServedAdapter
    prompt: list[int]
    max_new: int
    sampling: Sampling
    stops: tuple[str, ...]
    alternatives: int | None
    deliver: Callable[[Piece | RefusedError], None]
    abandoned: bool = False
    ids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._text = TextStream(self.adapter.tokenizer, self.stops)
        self._generator: Any = None

    @property
    def room(self) -> int:
        """Positions that are planned for it, its prompt included: who names no limit may use the whole context, and
        hardly ever does."""
        return len(self.prompt) + min(self.max_new, PLANNED_TOKENS)

    def choose(self, logits: Float[Tensor, " vocabulary"], likeliest: int) -> int:
        """The next token by these logits, of which `likeliest` is the token of the largest."""
        if self.sampling.temperature < GREEDY_BELOW:
            return likeliest
        return sample(logits, self.sampling.temperature, self.sampling.top_p, self._random())

    def score(self, logits: Float[Tensor, " vocabulary"], token: int) -> TokenScore | None:
        """The token's log-probability, if it was asked for."""
        if self.alternatives is None:
            return None
        logprobs = logits.log_softmax(-1)
        values, ids = logprobs.topk(min(self.alternatives, len(logprobs)))
        return TokenScore(token, float(logprobs[token]), tuple(zip(ids.tolist(), values.tolist(), strict=True)))

    def add(self, token: int, score: TokenScore | None) -> bool:
        """Deliver what the token adds; True if the answer ends with it."""
        self.ids.append(token)
        ended = token in self.adapter.ends
        full = len(self.ids) >= self.max_new
        text, stopped = self._text.add(None if ended else token, last=ended or full)
        finish: Finish | None = "stop" if ended or stopped else "length" if full else None
        self.deliver(Piece(text, token, score, finish))
        return finish is not None

    def _random(self) -> Any:
        import torch

        if self._generator is None:
            self._generator = torch.Generator()
            if self.sampling.seed is None:
                self._generator.seed()
            else:
                self._generator.manual_seed(self.sampling.seed)
        return self._generator


class TextStream:
    """The text of tokens that come one by one.

    Held back is what further tokens may change: the bytes of an incomplete character, and what may be the beginning of
    a text to stop at. Tokens that mark turns have no text.
    """

    def __init__(self, tokenizer: Any, stops: tuple[str, ...]):
        self._tokenizer, self._stops = tokenizer, stops
        self._ids: list[int] = []
        # Texts of ids[start:read] are known; a window that begins before them keeps the spaces between words.
        self._start = self._read = 0
        self._held = ""

    def add(self, token: int | None, *, last: bool) -> tuple[str, bool]:
        """The text that can be shown now, and whether a stop text was reached. `last`: nothing more will come."""
        if token is not None:
            self._ids.append(token)
        self._held += self._new_text(last)
        found = [index for stop in self._stops if (index := self._held.find(stop)) >= 0]
        if found:
            shown, self._held = self._held[: min(found)], ""
            return shown, True
        keep = 0 if last else self._possible_stop()
        shown, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return shown, False

    def _new_text(self, last: bool) -> str:
        known = self._decode(self._ids[self._start : self._read])
        whole = self._decode(self._ids[self._start :])
        if whole.endswith(INCOMPLETE) and not last:
            return ""
        self._start, self._read = self._read, len(self._ids)
        return whole[len(known) :]

    def _decode(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _possible_stop(self) -> int:
        """Length of the longest end of the held text with which a stop text begins."""
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        lengths = range(min(longest, len(self._held)), 0, -1)
        return next((n for n in lengths if any(stop.startswith(self._held[-n:]) for stop in self._stops)), 0)


def sample(logits: Float[Tensor, " vocabulary"], temperature: float, top_p: float, generator: Any) -> int:
    """A token drawn from the softmax at that temperature, of the likeliest tokens whose mass reaches `top_p`.

    Nucleus sampling as in Holtzman et al. 2020, arXiv:1904.09751. On the CPU, where a seed gives the same draw on every
    machine.
    """
    import torch

    probabilities = (logits.float().cpu() / temperature).softmax(-1)
    if top_p < 1:
        ordered, ids = probabilities.sort(descending=True, stable=True)
        outside = ordered.cumsum(0) - ordered >= top_p
        probabilities[ids[outside]] = 0
    return int(torch.multinomial(probabilities, 1, generator=generator))
