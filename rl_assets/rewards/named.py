"""Reward functions by the names that recipes use."""

from collections.abc import Callable, Sequence
from typing import Any

from rl_assets.rewards.answers import Completion, brevity, exact_answer, json_format, task_success
from rl_assets.rewards.images import image_answer

RewardFunction = Callable[..., list[float | None]]
BY_RULE: dict[str, RewardFunction] = {
    "json_format": json_format,
    "exact_answer": exact_answer,
    "task_success": task_success,
    "brevity": brevity,
    "image_answer": image_answer,
}


def reward_functions(
    names: Sequence[str], scorer: Callable[[list[Completion]], list[float]] | None
) -> list[RewardFunction]:
    """The functions of these names; ValueError for `reward_model` without a scorer, and for an unknown name."""
    return [learned_reward(scorer) if name == "reward_model" else _by_rule(name) for name in names]


def learned_reward(scorer: Callable[[list[Completion]], list[float]] | None) -> RewardFunction:
    """The reward of a model that scores conversations."""
    if scorer is None:
        raise ValueError("The reward 'reward_model' needs a trained reward model: materialize reward_model first.")

    def reward_model(prompts: list[Completion], completions: list[Completion], **_: Any) -> list[float | None]:
        return [*scorer([prompt + completion for prompt, completion in zip(prompts, completions, strict=True)])]

    return reward_model


def _by_rule(name: str) -> RewardFunction:
    if name not in BY_RULE:
        raise ValueError(f"There is no reward {name!r}. Use one of: {', '.join([*BY_RULE, 'reward_model'])}.")
    return BY_RULE[name]
