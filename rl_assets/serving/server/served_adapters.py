"""What a request's model name stands for: the base or an adapter, with the tokenizer that renders its prompts."""

from dataclasses import dataclass
from typing import Any

# PEFT's name for rows of a mixed batch that no adapter changes.
WITHOUT_ADAPTER = "__base__"


@dataclass(frozen=True, eq=False)
class ServedAdapter:
    """A model that can be asked for. `slot` is PEFT's name of the adapter, never used again once it was freed.

    `ends` are the tokens that end an answer, `root` is where it was loaded from.
    """

    name: str
    slot: str
    root: str
    tokenizer: Any
    ends: frozenset[int]

    @property
    def is_base(self) -> bool:
        """Whether this is the base alone."""
        return self.slot == WITHOUT_ADAPTER
