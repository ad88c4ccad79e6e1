"""Answers that grow together, one token at a time: their prompts, then one forward pass for each token of all.

Rows are padded on the left. New rows join and finished ones leave between two tokens, if the model keeps keys and
values of all positions; models with sliding windows or states (`can_join` is False) finish a batch as it began.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rl_assets.models.encoding import left_padded
from rl_assets.serving.server.errors import RefusedError
from rl_assets.serving.server.served_model import ServedModel
from rl_assets.serving.server.tokens import Answer

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

NOT_A_NUMBER = RefusedError(
    500, "The model's output is no number: its weights, or its adapter's, are broken.", "server_error", code="nan"
)


class Batch:
    """The rows of one key-value cache. Everything in it is used in `torch.inference_mode`."""

    def __init__(self, model: ServedModel, answers: Sequence[Answer]):
        import torch

        self._model = model
        self.answers = list(answers)
        self._next: Int[Tensor, " rows"]
        ids, masks = left_padded([answer.prompt for answer in answers], model.pad)
        self._mask: Int[Tensor, "rows width"] = torch.tensor(masks, device=model.device)
        self._cache = model.new_cache()
        positions = (self._mask.cumsum(1) - 1).clamp(min=0)
        self._positions: Int[Tensor, " rows"] = self._mask.sum(1) - 1
        logits = model.forward(
            torch.tensor(ids, device=model.device), self._mask, positions, self._cache, self._slots()
        )
        self._take(logits)

    def step(self) -> None:
        """One more token of every answer. Those that ended or were abandoned leave."""
        self._keep([not answer.abandoned for answer in self.answers])
        if not self.answers:
            return
        self._positions = self._positions + 1
        self._mask = _widened(self._mask, 1)
        ids, positions = self._next.unsqueeze(1), self._positions.unsqueeze(1)
        self._take(self._model.forward(ids, self._mask, positions, self._cache, self._slots()))

    @property
    def can_join(self) -> bool:
        """Whether rows of other caches can be put beside these: all layers keep all positions."""
        from transformers.cache_utils import DynamicLayer

        return all(type(layer) is DynamicLayer for layer in self._cache.layers)

    def join(self, other: Batch) -> None:
        """Take the rows of another batch, which is not used any more."""
        import torch

        width = max(self._mask.shape[1], other._mask.shape[1])
        for ours, theirs in zip(self._cache.layers, other._cache.layers, strict=True):
            ours.keys = torch.cat([_padded(ours.keys, width), _padded(theirs.keys, width)])
            ours.values = torch.cat([_padded(ours.values, width), _padded(theirs.values, width)])
        masks = [_left_zeros(batch._mask, width - batch._mask.shape[1]) for batch in (self, other)]
        self._mask = torch.cat(masks)
        self._positions = torch.cat([self._positions, other._positions])
        self._next = torch.cat([self._next, other._next])
        self.answers += other.answers

    def _take(self, logits: Float[Tensor, "rows vocabulary"]) -> None:
        """Choose a token for each row, and keep the rows that go on."""
        import torch

        # The largest logit of a row is NaN or infinite if any is.
        broken, likeliest = (~logits.amax(1).isfinite()).tolist(), logits.argmax(1).tolist()
        rows = list(zip(self.answers, logits, broken, likeliest, strict=True))
        chosen = [0 if bad else answer.choose(row, best) for answer, row, bad, best in rows]
        going_on = []
        for answer, row, token, bad in zip(self.answers, logits, chosen, broken, strict=True):
            if bad:
                answer.deliver(NOT_A_NUMBER)
            going_on.append(not bad and not answer.add(token, answer.score(row, token)))
        self._next = torch.tensor(chosen, device=self._model.device)
        self._keep(going_on)

    def _keep(self, kept: list[bool]) -> None:
        if all(kept):
            return
        import torch

        rows = torch.tensor([row for row, keep in enumerate(kept) if keep], dtype=torch.long, device=self._mask.device)
        self.answers = [answer for answer, keep in zip(self.answers, kept, strict=True) if keep]
        self._mask, self._positions, self._next = self._mask[rows], self._positions[rows], self._next[rows]
        if self.answers:
            self._cache.batch_select_indices(rows)
            self._trim()

    def _trim(self) -> None:
        """Drop positions on the left that are padding in all rows."""
        padding = int(self._mask.argmax(1).min())
        if padding and self.can_join:
            self._mask = self._mask[:, padding:]
            for layer in self._cache.layers:
                layer.keys, layer.values = layer.keys[..., padding:, :], layer.values[..., padding:, :]

    def _slots(self) -> list[str]:
        return [answer.adapter.slot for answer in self.answers]


def _widened(mask: Int[Tensor, "rows width"], new: int) -> Int[Tensor, "rows wider"]:
    import torch

    return torch.cat([mask, mask.new_ones(mask.shape[0], new)], dim=1)


def _left_zeros(mask: Int[Tensor, "rows width"], new: int) -> Int[Tensor, "rows wider"]:
    import torch

    return torch.cat([mask.new_zeros(mask.shape[0], new), mask], dim=1)


def _padded(states: Float[Tensor, "rows heads width size"], width: int) -> Float[Tensor, "rows heads wider size"]:
    from torch.nn.functional import pad

    return pad(states, (0, 0, width - states.shape[-2], 0))
