"""Rewards of dimensions by the names `dimensions` (the weighed sum) and `dimension:<name>`.

Trap: rewards that are normalised each within its group and then summed (GDPO, Liu et al. 2026, arXiv:2601.05242) trade
off against each other again, so a floor on one of them is undone. With a floor the sum is passed, and not its parts.
"""

from collections.abc import Callable, Sequence
from typing import Any

from rl_assets.rewards.answers import Completion
from rl_assets.rewards.dimension_model import DimensionRewards
from rl_assets.rewards.weighing import Weighing, require_known, weigh

WEIGHED, PART = "dimensions", "dimension:"
DimensionReward = Callable[..., list[float | None]]


def is_dimension(name: str) -> bool:
    """Whether a reward of that name is made of learned dimensions."""
    return name == WEIGHED or name.startswith(PART)


def require_floors_hold(names: Sequence[str], weighing: Weighing) -> None:
    """ValueError if floors would be undone, because parts are passed among several rewards."""
    parts = [name for name in names if name.startswith(PART)]
    if weighing.floored and parts and len(names) > 1:
        raise ValueError(
            f"rewards.yaml has a floor for {', '.join(weighing.floored)}, and {', '.join(parts)} would be normalised "
            f"one by one and then summed, which undoes floors: use the one reward `{WEIGHED}`, which keeps them, or "
            "remove the floor"
        )


def part_weights(names: Sequence[str], weighing: Weighing) -> list[float] | None:
    """Weights of rewards that are all parts, as the file says; None for other rewards. ValueError for one it does not
    weigh."""
    if not names or not all(name.startswith(PART) for name in names):
        return None
    parts = [name.removeprefix(PART) for name in names]
    unknown = [part for part in parts if part not in weighing.dimensions]
    if unknown:
        raise ValueError(f"rewards.yaml gives no weight to {', '.join(unknown)}")
    return [weighing.dimensions[part].weight for part in parts]


def dimension_reward(name: str, rewards: DimensionRewards, weighing: Weighing) -> DimensionReward:
    """The reward of that name, in TRL's signature; its column `context`, if rows have it, is what retrieval gave.

    ValueError if a dimension that it needs has no head, or one that recipes may not use.
    """
    needed = list(weighing.dimensions) if name == WEIGHED else [name.removeprefix(PART)]
    if name == WEIGHED:
        require_known(weighing, rewards.dimensions)
    _require_usable(needed, rewards)

    def reward(
        prompts: list[Completion], completions: list[Completion], context: list[str | None] | None = None, **_: Any
    ) -> list[float | None]:
        conversations = [prompt + completion for prompt, completion in zip(prompts, completions, strict=True)]
        values = rewards.scores(conversations, context)
        if name != WEIGHED:
            return [*values[needed[0]]]
        rows = [{part: values[part][row] for part in needed} for row in range(len(conversations))]
        return [weigh(row, weighing).reward for row in rows]

    reward.__name__ = name
    return reward


def _require_usable(needed: Sequence[str], rewards: DimensionRewards) -> None:
    heads = rewards.stored.heads
    for part in needed:
        if part not in heads:
            why = rewards.stored.skipped.get(part, f"there are heads of {', '.join(rewards.dimensions) or 'none'}")
            raise ValueError(f"There is no head of the dimension {part!r}: {why}.")
        if not heads[part].may_be_used:
            raise ValueError(
                f"The head of {part!r} is not shown to beat the length of answers "
                f"({heads[part].report.decisive.gain:+.3f}): a policy would learn length. Name it in `force` of "
                "dimension_rewards if you use it all the same."
            )


def has_signal(rewards: Sequence[Sequence[float | None]]) -> bool:
    """Whether the answers of one group differ in any reward (answers x rewards): answers whose sums are equal may.

    A reward that is None is no difference.
    """
    columns = zip(*rewards, strict=True)
    return any(len({value for value in column if value is not None}) > 1 for column in columns)
