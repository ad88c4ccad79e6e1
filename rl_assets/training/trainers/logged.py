"""A trainer for logged answers that continues a job's parent."""

from typing import Any

from rl_assets.models.loading import load_to_continue
from rl_assets.training.data.rows import Row
from rl_assets.training.runner.run import Job, trainer_arguments
from rl_assets.training.trainers.logged_training import build_logged_trainer


def logged_trainer(job: Job, tokenizer: Any, rows: list[Row]) -> Any:
    """The trainer of the recipe's way for {prompt, completion, advantage} rows; it continues the job's parent."""
    recipe = job.recipe.grpo
    assert job.parent is not None
    model = load_to_continue(job.base, job.parent, job.recipe, job.log)
    return build_logged_trainer(model, trainer_arguments(job, recipe), rows, tokenizer, recipe)
