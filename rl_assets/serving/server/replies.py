"""Answers in OpenAI's form: a chat completion, or the chunks of one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from rl_assets.serving.server.tokens import Piece, TokenScore


@dataclass
class Choice:
    """The pieces of one answer, put together."""

    text: str = ""
    tokens: list[int] = field(default_factory=list)
    scores: list[TokenScore] = field(default_factory=list)
    finish: str | None = None

    def add(self, piece: Piece) -> None:
        """Take one more piece."""
        self.text += piece.text
        self.tokens.append(piece.token)
        if piece.score is not None:
            self.scores.append(piece.score)
        self.finish = piece.finish


@dataclass(frozen=True)
class Reply:
    """What all parts of one reply share: its id, when it was made, and which model, tokenizer and prompt it is of."""

    model: str
    tokenizer: Any
    prompt: Sequence[int]
    with_token_ids: bool = False
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, choices: Sequence[Choice]) -> dict[str, Any]:
        """A chat completion."""
        body = self._head("chat.completion") | {
            "choices": [self._choice(index, choice) for index, choice in enumerate(choices)],
            "usage": self.usage(sum(len(choice.tokens) for choice in choices)),
        }
        return body | ({"prompt_token_ids": list(self.prompt)} if self.with_token_ids else {})

    def first_chunk(self, index: int) -> dict[str, Any]:
        """The chunk that says who speaks."""
        return self._chunk(index, {"role": "assistant", "content": ""}, None, None)

    def chunk(self, index: int, piece: Piece) -> dict[str, Any]:
        """What a piece adds to an answer."""
        delta = {"content": piece.text} if piece.text else {}
        scores = None if piece.score is None else self.logprobs([piece.score])
        chunk = self._chunk(index, delta, scores, piece.finish)
        if self.with_token_ids:
            chunk["choices"][0]["token_ids"] = [piece.token]
        return chunk

    def usage_chunk(self, completion_tokens: int) -> dict[str, Any]:
        """The last chunk of a stream that was asked to tell its usage."""
        return self._head("chat.completion.chunk") | {"choices": [], "usage": self.usage(completion_tokens)}

    def usage(self, completion_tokens: int) -> dict[str, int]:
        """Numbers of tokens; those that end an answer count."""
        prompt = len(self.prompt)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt + completion_tokens,
        }

    def logprobs(self, scores: Sequence[TokenScore]) -> dict[str, Any]:
        """Natural log-probabilities at temperature 1."""
        return {"content": [self._score(score) for score in scores], "refusal": None}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _choice(self, index: int, choice: Choice) -> dict[str, Any]:
        body = {
            "index": index,
            "message": {"role": "assistant", "content": choice.text, "refusal": None},
            "logprobs": self.logprobs(choice.scores) if choice.scores else None,
            "finish_reason": choice.finish,
        }
        return body | ({"token_ids": choice.tokens} if self.with_token_ids else {})

    def _chunk(self, index: int, delta: dict[str, Any], logprobs: Any, finish: str | None) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._head("chat.completion.chunk") | {"choices": [choice]}

    def _score(self, score: TokenScore) -> dict[str, Any]:
        top = [self._token(token, logprob) for token, logprob in score.top]
        return self._token(score.token, score.logprob) | {"top_logprobs": top}

    def _token(self, token: int, logprob: float) -> dict[str, Any]:
        text = self.tokenizer.decode([token], clean_up_tokenization_spaces=False)
        # JSON has no infinity: this stands for a token that cannot be drawn, as with vLLM.
        return {"token": text, "logprob": max(logprob, -9999.0), "bytes": list(text.encode("utf-8", "replace"))}
