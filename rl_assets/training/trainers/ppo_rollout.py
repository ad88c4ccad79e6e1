"""One rollout: prompts in an order that nothing drawn changes, sampled answers, and what the losses need of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from rl_assets.core.files import sha256_text
from rl_assets.models.encoding import left_padded
from rl_assets.training.trainers.ppo_models import POLICY, REFERENCE, ActorCritic, kept_tokens
from rl_assets.training.trainers.ppo_rewards import Answered

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

# Answers that are sampled at a time; a larger rollout is sampled in parts.
SAMPLED_AT_ONCE = 64


@dataclass
class Rollout:
    """Answers with their prompts, padded on both sides, and log-probabilities and values of their tokens, in nats.

    `ids` and `attention` hold prompt and answer, (answers, width); all else is of the answers' tokens alone.
    """

    ids: Int[Tensor, "answers width"]
    attention: Int[Tensor, "answers width"]
    mask: Bool[Tensor, "answers tokens"]
    behaviour: Float[Tensor, "answers tokens"]
    reference: Float[Tensor, "answers tokens"]
    values: Float[Tensor, "answers tokens"]
    entropy: Float[Tensor, "answers tokens"]

    @property
    def tokens(self) -> int:
        """Columns of the answers."""
        return int(self.mask.shape[1])


def prompt_order(prompts: int, seed: int, first: int, count: int) -> list[int]:
    """Rows of the answers number `first` to `first` + `count`: all prompts once an epoch, in an order of its own."""
    return [_epoch(prompts, seed, at // prompts)[at % prompts] for at in range(first, first + count)]


def _epoch(prompts: int, seed: int, epoch: int) -> list[int]:
    order = list(range(prompts))
    Random(f"{seed}/{epoch}").shuffle(order)
    return order


def seed_of(*parts: int) -> int:
    """A seed of torch for these numbers, such as (seed, rollout, rank)."""
    return int(sha256_text("/".join(map(str, parts)))[:15], 16)


def sampling_config(ends: frozenset[int], pad: int, max_new_tokens: int = 1, temperature: float = 1.0) -> Any:
    """Sampling from the policy's own distribution: with any filter or penalty the log-probabilities would be others."""
    from transformers import GenerationConfig

    return GenerationConfig(
        do_sample=True,
        temperature=temperature,
        top_k=0,
        top_p=1.0,
        num_beams=1,
        repetition_penalty=1.0,
        use_cache=True,
        max_new_tokens=max_new_tokens,
        eos_token_id=sorted(ends),
        pad_token_id=pad,
    )


@dataclass(frozen=True)
class Sampler:
    """Samples answers to encoded prompts: `ends` are the tokens that end a turn."""

    models: ActorCritic
    tokenizer: Any
    encoded: list[list[int]]
    ends: frozenset[int]
    pad: int
    max_new_tokens: int
    temperature: float

    def sample(self, rows: Sequence[int], seed: int) -> tuple[Answered, Any, Any, Any]:
        """Answers of the policy to the prompts of these rows; ids, attention mask and mask of the answers' tokens."""
        import torch

        parts = [list(rows[at : at + SAMPLED_AT_ONCE]) for at in range(0, len(rows), SAMPLED_AT_ONCE)]
        prompts, masks = left_padded([self.encoded[row] for row in rows], self.pad)
        device = self.models.base.device
        self.models.activate(POLICY)
        self.models.model.eval()
        with torch.random.fork_rng([device] if device.type == "cuda" else []), torch.no_grad():
            torch.manual_seed(seed)
            written = [self._write(part) for part in parts]
        width = max(part.shape[1] for part in written)
        completed = [torch.nn.functional.pad(part, (0, width - part.shape[1]), value=self.pad) for part in written]
        answers = torch.cat(completed)
        mask, ended = kept_tokens(answers, self.ends)
        ids = torch.cat([torch.tensor(prompts, device=device), answers], dim=1)
        attention = torch.cat([torch.tensor(masks, device=device), mask.long()], dim=1)
        lengths = mask.sum(1).tolist()
        texts = [*self._texts(answers.tolist(), lengths, ended)]
        return Answered(list(rows), texts, lengths, ended), ids, attention, mask

    def _write(self, rows: Sequence[int]) -> Any:
        """New tokens of the answers to these rows, padded on the right."""
        import torch

        ids, masks = left_padded([self.encoded[row] for row in rows], self.pad)
        device = self.models.base.device
        output = self.models.base.generate(
            input_ids=torch.tensor(ids, device=device),
            attention_mask=torch.tensor(masks, device=device),
            generation_config=sampling_config(self.ends, self.pad, self.max_new_tokens, self.temperature),
        )
        return output[:, len(ids[0]) :]

    def _texts(self, answers: list[list[int]], lengths: list[int], ended: list[bool]) -> Iterator[str]:
        for ids, length, has_end in zip(answers, lengths, ended, strict=True):
            yield self.tokenizer.decode(ids[: length - has_end], skip_special_tokens=True).strip()


def look_at(
    models: ActorCritic, ids: Any, attention: Any, mask: Any, temperature: float, at_once: int, autocast: Any
) -> Rollout:
    """One pass of each model over the answers, at the width and precision of the training's own passes."""
    import torch

    tokens, columns = mask.shape[1], []
    with torch.no_grad():
        for at in range(0, len(ids), at_once):
            part = ids[at : at + at_once], attention[at : at + at_once]
            with autocast():
                behaviour, entropy = models.log_probabilities(POLICY, *part, tokens, temperature)
                reference, _ = models.log_probabilities(REFERENCE, *part, tokens, temperature)
                columns.append((behaviour, reference, models.values(*part, tokens), entropy))
    models.activate(POLICY)
    behaviour, reference, values, entropy = (torch.cat(column) * mask for column in zip(*columns, strict=True))
    return Rollout(ids, attention, mask, behaviour, reference, values, entropy)
