"""Greedy answers to prompts, in length-sorted batches."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.models.encoding import (
    context_length,
    left_padded,
    length_sorted_batches,
    pad_id,
    prompt_ids,
)

BATCH_SIZE = 64


@dataclass(frozen=True)
class Answer:
    """One generated answer; `tokens` counts the new tokens, the end token included, `prompt_tokens` those before."""

    text: str
    tokens: int
    finished: bool
    prompt_tokens: int


@dataclass(frozen=True)
class Generation:
    """Answers in the order of the prompts, and the wall time of the batched run in seconds."""

    answers: list[Answer]
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """New tokens per second over the batched run."""
        return sum(answer.tokens for answer in self.answers) / self.seconds if self.seconds > 0 else 0.0


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[Message]],
    max_new_tokens: int,
    log: Callable[[str], None],
) -> Generation:
    """The greedy answer to every prompt: no sampling, so the same model gives the same answers.

    Raises ValueError if a prompt leaves no room for `max_new_tokens` in the model's context.
    """
    encoded = [prompt_ids(tokenizer, prompt) for prompt in prompts]
    _check_room(encoded, max_new_tokens, context_length(model))
    answers: dict[int, Answer] = {}
    started = time.perf_counter()
    for batch in length_sorted_batches([len(ids) for ids in encoded], BATCH_SIZE):
        rows = [encoded[index] for index in batch]
        answers.update(zip(batch, _answer_batch(model, tokenizer, rows, max_new_tokens), strict=True))
        log(f"answered {len(answers)} of {len(prompts)} held-out prompts")
    return Generation([answers[index] for index in range(len(prompts))], time.perf_counter() - started)


def _check_room(encoded: Sequence[Sequence[int]], max_new_tokens: int, context: int) -> None:
    max_prompt = max((len(ids) for ids in encoded), default=0)
    if max_prompt + max_new_tokens > context:
        raise ValueError(
            f"a prompt of {max_prompt} and {max_new_tokens} new tokens exceed the model's context of {context}"
        )


def _answer_batch(
    model: Any, tokenizer: Any, rows: list[list[int]], max_new_tokens: int, min_new_tokens: int = 0
) -> list[Answer]:
    width = max(len(row) for row in rows)
    output = greedy(model, tokenizer, rows, max_new_tokens, min_new_tokens)
    return [_decode(tokenizer, ids[width:], len(row)) for row, ids in zip(rows, output.tolist(), strict=True)]


def greedy(model: Any, tokenizer: Any, rows: list[list[int]], max_new_tokens: int, min_new_tokens: int = 0) -> Any:
    """Prompt and new ids (rows x width + new), left-padded, of greedy decoding with the key-value cache.

    The model's own generation settings (temperature, penalties) are ignored: they differ between bases.
    """
    import torch
    from transformers import GenerationConfig

    ids, masks = left_padded(rows, pad_id(tokenizer))
    config = GenerationConfig(
        do_sample=False,
        num_beams=1,
        use_cache=True,
        max_new_tokens=max_new_tokens,
        min_new_tokens=min_new_tokens or None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=pad_id(tokenizer),
    )
    with torch.inference_mode():
        return model.generate(
            input_ids=torch.tensor(ids, device=model.device),
            attention_mask=torch.tensor(masks, device=model.device),
            generation_config=config,
        )


def _decode(tokenizer: Any, ids: list[int], prompt_tokens: int) -> Answer:
    finished = tokenizer.eos_token_id in ids
    kept = ids[: ids.index(tokenizer.eos_token_id)] if finished else ids
    text = tokenizer.decode(kept, skip_special_tokens=True).strip()
    return Answer(text=text, tokens=len(kept) + finished, finished=finished, prompt_tokens=prompt_tokens)
