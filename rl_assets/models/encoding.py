"""Conversations as token ids by the tokenizer's chat template, as in training, and batches of them."""

from collections.abc import Sequence
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.models.end_of_turn import until_end_of_turn


def prompt_ids(tokenizer: Any, prompt: Sequence[Message]) -> list[int]:
    """Token ids of the conversation up to where the assistant's answer begins."""
    encoded = tokenizer.apply_chat_template(list(prompt), add_generation_prompt=True, tokenize=True, return_dict=True)
    return list(encoded["input_ids"])


def answer_ids(
    tokenizer: Any, prompt: Sequence[Message], answers: Sequence[str], end_of_turn: frozenset[int]
) -> tuple[list[int], list[list[int]]]:
    """Token ids of the prompt, and of each answer to it up to its end-of-turn token, that one included.

    The prompt is what all of these conversations share with it, at least one token, as in training: a blank line that
    an answer begins with may merge with the end of the prompt, and some templates open a block that no answer closes.
    """
    before = prompt_ids(tokenizer, prompt)
    sides = [[*prompt, {"role": "assistant", "content": answer}] for answer in answers]
    rendered = [
        list(tokenizer.apply_chat_template(side, tokenize=True, return_dict=True)["input_ids"]) for side in sides
    ]
    start = max(1, min((_shared(before, side) for side in rendered), default=len(before)))
    return before[:start], [until_end_of_turn(side[start:], end_of_turn) for side in rendered]


def _conversation_ids(tokenizer: Any, prompt: Sequence[Message], answer: str) -> list[int]:
    messages = [*prompt, {"role": "assistant", "content": answer}]
    return list(tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"])


def _shared(first: list[int], second: list[int]) -> int:
    """How many ids the two begin with alike."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))


def context_length(model: Any) -> int:
    """Positions the model knows; a configuration that names none has no limit that matters here."""
    return int(getattr(model.config, "max_position_embeddings", 1 << 20))


def length_sorted(lengths: Sequence[int]) -> list[int]:
    """Indices by falling length."""
    return sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))


def left_padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[list[list[int]], list[list[int]]]:
    """Rows padded to the same length with `pad` on the left, and their attention mask."""
    width = max(len(row) for row in rows)
    padded = [[pad] * (width - len(row)) + list(row) for row in rows]
    masks = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return padded, masks


def pad_id(tokenizer: Any) -> int:
    """The padding token, or the end token if a tokenizer has none; the mask hides it either way."""
    return int(tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id)
