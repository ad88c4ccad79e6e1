"""Served conversations as the log holds them: the arm that was drawn for each, with which probability, and its reward.

A conversation belongs to the arm that was assigned to it, even if a fallback answered: an adapter that often fails is
not judged by the answers of another one. A conversation that nobody drew, or that met two arms or two versions of the
routing, says nothing of one arm and is dropped.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean
from typing import Any

import duckdb

from rl_assets.core import sql
from rl_assets.core.files import sha256_text


@dataclass(frozen=True)
class Conversation:
    """A conversation whose arm was drawn from `arms` (name -> probability).

    `day` is that on which it landed first, `reward` the mean of its rated answers in [0, 1], None without one, and
    `failed` says whether one of its answers did. `name` is a hash.
    """

    name: str
    day: date
    category: str
    arm: str
    arms: Mapping[str, float]
    reward: float | None
    failed: bool = False

    @property
    def model(self) -> str:
        """What answers for its arm."""
        return model_of(self.arm)

    def share_of(self, model: str) -> float:
        """The probability that it was given to a model, over all agents for which that answers."""
        return sum(share for arm, share in self.arms.items() if model_of(arm) == model)


def model_of(arm: str) -> str:
    """What answers for an arm: `assistant@base` is answered by `base`."""
    return arm.rsplit("@", 1)[-1]


def read_conversations(connection: duckdb.DuckDBPyConnection) -> list[Conversation]:
    """The conversations of the window whose arm was drawn; the connection holds `rated` and `interactions`."""
    turns: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sql.select(connection, "evaluation/served_turns").to_arrow_table().to_pylist():
        turns[row["conversation"]].append(row)
    found = (conversation_of(name, rows) for name, rows in sorted(turns.items()))
    return [conversation for conversation in found if conversation]


def conversation_of(name: str, turns: Sequence[Mapping[str, Any]]) -> Conversation | None:
    """The conversation of these answers, in the order of time; None if it does not belong to one drawn arm.

    An answer has `day`, `category`, `assigned_arm`, `drawn`, `arms` (JSON), `policy_version`, `reward` and `failed`.
    """
    first, draws = turns[0], {(turn["assigned_arm"], turn["policy_version"], turn["drawn"]) for turn in turns}
    if len(draws) > 1 or not first["drawn"] or not first["arms"]:
        return None
    rewards = [turn["reward"] for turn in turns if turn["reward"] is not None]
    return Conversation(
        name=sha256_text(name),
        day=first["day"],
        category=first["category"],
        arm=first["assigned_arm"],
        arms=json.loads(first["arms"]),
        reward=fmean(rewards) if rewards else None,
        failed=any(turn["failed"] for turn in turns),
    )
