"""Conversations as token ids by the tokenizer's chat template, as in training, and batches of them."""

from collections.abc import Iterator, Sequence
from typing import Any

from rl_assets.core.chat import Message


def prompt_ids(tokenizer: Any, prompt: Sequence[Message]) -> list[int]:
    """Token ids of the conversation up to where the assistant's answer begins."""
    encoded = tokenizer.apply_chat_template(list(prompt), add_generation_prompt=True, tokenize=True, return_dict=True)
    return list(encoded["input_ids"])


def completion_ids(tokenizer: Any, prompt: Sequence[Message], answer: str) -> list[int]:
    """Token ids of the answer, the end-of-turn token included and nothing after it.

    Raises ValueError if the template renders the prompt differently once the answer follows it.
    """
    before = prompt_ids(tokenizer, prompt)
    messages = [*prompt, {"role": "assistant", "content": answer}]
    conversation = list(tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"])
    if conversation[: len(before)] != before:
        raise ValueError(
            "the chat template changes the prompt's tokens when an answer follows, so the answer's tokens "
            f"cannot be separated from it: prompt {prompt[-1]['content'][:80]!r}"
        )
    answer_ids = conversation[len(before) :]
    if tokenizer.eos_token_id in answer_ids:
        answer_ids = answer_ids[: answer_ids.index(tokenizer.eos_token_id) + 1]
    return answer_ids


def context_length(model: Any) -> int:
    """Positions the model knows; a configuration that names none has no limit that matters here."""
    return int(getattr(model.config, "max_position_embeddings", 1 << 20))


def length_sorted_batches(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Indices in batches of at most `size`, by falling length, so padding is short and memory peaks at once."""
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def left_padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[list[list[int]], list[list[int]]]:
    """Rows padded to the same length with `pad` on the left, and their attention mask."""
    width = max(len(row) for row in rows)
    padded = [[pad] * (width - len(row)) + list(row) for row in rows]
    masks = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return padded, masks


def pad_id(tokenizer: Any) -> int:
    """The padding token, or the end token if a tokenizer has none; the mask hides it either way."""
    return int(tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id)
