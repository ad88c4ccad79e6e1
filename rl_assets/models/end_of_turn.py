"""The tokens that end a turn: what training must cover, where generation stops, and where a scored answer ends."""

from collections.abc import Iterable
from typing import Any

MARK = "the answer"


def end_of_turn_ids(tokenizer: Any, model: Any) -> frozenset[int]:
    """Token ids that end a turn: the tokenizer's eos, all of the model's generation config, and the template's own.

    Bases differ in which of the three they name: Gemma and Phi end turns with a token that is not the tokenizer's eos.
    """
    stops = model.generation_config.eos_token_id
    listed = stops if isinstance(stops, list) else [stops]
    named = (*listed, tokenizer.eos_token_id, template_end_id(tokenizer))
    return frozenset(token for token in named if token is not None)


def template_end_id(tokenizer: Any) -> int | None:
    """The first control token that the chat template writes after an answer; None if it writes none."""
    from jinja2 import TemplateError

    chat = [{"role": "user", "content": "a question"}, {"role": "assistant", "content": MARK}]
    try:
        _, _, after = tokenizer.apply_chat_template(chat, tokenize=False).rpartition(MARK)
    except TemplateError:
        return None
    ids = tokenizer(after, add_special_tokens=False)["input_ids"]
    added = tokenizer.added_tokens_decoder
    return next((token for token in ids if token in added and added[token].special), None)


def until_end_of_turn(ids: list[int], end_of_turn: Iterable[int]) -> list[int]:
    """The ids up to the first that ends the turn, that one included; all of them if none does."""
    ends = frozenset(end_of_turn)
    first = next((index for index, token in enumerate(ids) if token in ends), len(ids))
    return ids[: first + 1]
