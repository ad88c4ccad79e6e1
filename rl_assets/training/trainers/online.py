"""GRPO online with TRL: the policy answers prompts itself, and reward functions score its answers."""

from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.loading import load_to_continue
from rl_assets.models.reward_scoring import reward_scorer
from rl_assets.rewards.named import reward_functions
from rl_assets.training.data.rows import Row
from rl_assets.training.runner.run import Job, trainer_arguments
from rl_assets.training.trainers.arguments import online_arguments


def online_trainer(job: Job, tokenizer: Any, rows: list[Row], reward_model: Adapter | None) -> Any:
    """TRL's GRPO trainer for {prompt, reference} rows; it continues the job's parent, which is the reference too."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    recipe = job.recipe.grpo
    assert job.parent is not None
    scorer = reward_scorer(job.base, reward_model) if reward_model else None
    arguments = trainer_arguments(job, recipe)
    arguments.pop("max_length")
    return GRPOTrainer(
        model=load_to_continue(job.base, job.parent, job.recipe, job.log),
        reward_funcs=[*reward_functions(recipe.rewards, scorer)],
        args=GRPOConfig(**arguments, **online_arguments(recipe.model_dump(mode="json"))),
        train_dataset=Dataset.from_list([{"prompt": row["prompt"], "reference": row["reference"]} for row in rows]),
        processing_class=tokenizer,
    )


def reward_gain(history: list[dict[str, Any]]) -> float:
    """Mean reward of the last tenth of the steps less that of the first, from the trainer's history."""
    rewards = [entry["reward"] for entry in history if "reward" in entry]
    tenth = max(1, len(rewards) // 10)
    return (sum(rewards[-tenth:]) - sum(rewards[:tenth])) / tenth
