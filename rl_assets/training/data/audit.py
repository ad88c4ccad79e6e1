"""The audit of what will be trained on: every row must train its end of turn."""

from collections.abc import Iterable, Sequence
from typing import Any

from rl_assets.training.data.rows import UntrainableRows


def audit_trained_tokens(trained: Iterable[Sequence[int]], end_of_turn: frozenset[int]) -> int:
    """Number of rows, each with trained tokens and its end of turn among them; UntrainableRows names those without.

    `trained` holds the token ids that enter the loss, a row each.
    """
    rows = [(number, set(tokens)) for number, tokens in enumerate(trained)]
    bad = [number for number, tokens in rows if not tokens & end_of_turn]
    if bad:
        raise UntrainableRows(
            f"{len(bad)} of {len(rows)} rows (first: {bad[:5]}) train no end-of-turn token {sorted(end_of_turn)}: "
            "the model would never learn to stop. Use a tokenizer whose chat template ends a turn with its eos token."
        )
    return len(rows)


def end_of_turn_ids(tokenizer: Any, model: Any) -> frozenset[int]:
    """Token ids that end a turn: the tokenizer's eos token and all that stop the model's generation."""
    stops = model.generation_config.eos_token_id
    listed = stops if isinstance(stops, list) else [stops]
    return frozenset(token for token in (*listed, tokenizer.eos_token_id) if token is not None)
