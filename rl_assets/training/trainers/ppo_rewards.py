"""Scores of a rollout's answers: rewards by name, weighed and added up; those of a model on a fixed scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rl_assets.recipes.stages import PpoRecipe
from rl_assets.rewards.named import RewardFunction
from rl_assets.training.errors import TrainingRefused
from rl_assets.training.trainers.ppo_models import is_number

MAX_SCALED = 5.0
# Of a learned reward's scores, below which they are all one.
MIN_DEVIATION = 1e-6


@dataclass(frozen=True)
class Answered:
    """Answers of a policy: the row of each one's prompt, its text, its tokens, and whether it ended its turn."""

    rows: list[int]
    texts: list[str]
    lengths: list[int]
    ended: list[bool]


@dataclass
class Rewards:
    """The recipe's reward functions over prompts with references.

    `scale` is mean and standard deviation of the learned reward on the parent's answers, fixed for the run: a moving
    scale would hide progress.
    """

    stage: PpoRecipe
    functions: Sequence[RewardFunction]
    prompts: list[dict[str, Any]]
    scale: tuple[float, float] = (0.0, 1.0)

    def scores(self, answered: Answered) -> list[float | None]:
        """The weighed sum of each answer; None if no function rewards it.

        An answer that does not end gets `no_end_penalty` at most. TrainingRefused if a function returns no rewards.
        """
        columns = [self._scaled(name, values) for name, values in self.by_name(answered).items()]
        weights = self.stage.reward_weights or (1.0,) * len(columns)
        scores = []
        for ended, values in zip(answered.ended, zip(*columns, strict=True), strict=True):
            known = [weight * value for weight, value in zip(weights, values, strict=True) if value is not None]
            score = sum(known) if known else None
            scores.append(score if score is None or ended else min(score, self.stage.no_end_penalty))
        return scores

    def by_name(self, answered: Answered) -> dict[str, list[float | None]]:
        """What each function gives, as it gives it."""
        prompts = [self.prompts[row] for row in answered.rows]
        given = {
            "prompts": [prompt["prompt"] for prompt in prompts],
            "completions": [[{"role": "assistant", "content": text}] for text in answered.texts],
            "reference": [prompt["reference"] for prompt in prompts],
        }
        return {
            name: _require_rewards(name, function(**given), len(prompts))
            for name, function in zip(self.stage.reward_funcs, self.functions, strict=True)
        }

    def measure_scale(self, answered: Answered) -> None:
        """Take mean and standard deviation of the learned reward from the parent's answers."""
        known = [value for value in self.by_name(answered)["reward_model"] if value is not None]
        mean = sum(known) / len(known)
        deviation = (sum((value - mean) ** 2 for value in known) / len(known)) ** 0.5
        self.scale = (mean, deviation if deviation > MIN_DEVIATION else 1.0)

    def _scaled(self, name: str, values: list[float | None]) -> list[float | None]:
        if name != "reward_model":
            return values
        mean, deviation = self.scale
        return [
            None if value is None else max(-MAX_SCALED, min(MAX_SCALED, (value - mean) / deviation)) for value in values
        ]


def _require_rewards(name: str, values: Any, count: int) -> list[float | None]:
    """The rewards themselves; TrainingRefused names the function that gave something else."""
    given = list(values) if isinstance(values, Sequence) else []
    if len(given) != count:
        raise TrainingRefused(
            f"The reward {name} returned {len(given)} values for {count} answers: it must give one per answer. Nothing "
            "is published."
        )
    for value in given:
        if value is not None and not is_number(value):
            raise TrainingRefused(
                f"The reward {name} returned {value!r} for an answer: a reward is a finite number, or None if it "
                "cannot tell. Nothing is published."
            )
    return given
