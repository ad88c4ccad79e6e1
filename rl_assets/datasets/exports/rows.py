"""What the forms share: rows of the five datasets taken apart into a system turn, turns and answers."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Row = dict[str, Any]
Convert = Callable[[Row], Row]
PAIRS = ("dpo_dataset", "reward_dataset")


class CannotExportError(ValueError):
    """The row does not fit the form; the message is the reason, in words that can be counted."""


class Conversation(NamedTuple):
    """A system text ("" if there is none) and the turns of user and assistant, the last by the user."""

    system: str
    turns: list[Row]

    @property
    def question(self) -> str:
        """The only turn. Raises CannotExportError for several turns, which forms of one question have no place for."""
        if len(self.turns) > 1:
            raise CannotExportError("has several turns")
        return str(self.turns[0]["content"])


def conversation_of(prompt: Sequence[Row]) -> Conversation:
    """The turns of a prompt. Raises CannotExportError unless user and assistant take turns and the user is last."""
    system, turns = "", list(prompt)
    if turns and turns[0]["role"] == "system":
        system = turns.pop(0)["content"]
    roles = [turn["role"] for turn in turns]
    if any(role not in ("user", "assistant") for role in roles):
        raise CannotExportError("has a turn that is neither the user's nor the assistant's")
    if len(turns) % 2 == 0 or roles != [("user", "assistant")[index % 2] for index in range(len(turns))]:
        raise CannotExportError("has turns that do not alternate")
    return Conversation(system, turns)


def prompt_of(row: Row) -> list[Row]:
    """The turns before the answer, of a row of any dataset."""
    return row["messages"][:-1] if "messages" in row else row["prompt"]


def answer_of(row: Row) -> str:
    """The answer of a row of sft_dataset or kto_dataset."""
    return str((row["messages"] if "messages" in row else row["completion"])[-1]["content"])


def pair_of(row: Row) -> tuple[str, str]:
    """The better and the worse answer of a row of dpo_dataset or reward_dataset."""
    return row["chosen"][-1]["content"], row["rejected"][-1]["content"]


def for_pairs(convert: Convert) -> dict[str, Convert]:
    return dict.fromkeys(PAIRS, convert)
