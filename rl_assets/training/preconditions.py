"""What must hold before a training loads anything."""

from rl_assets.models.base_facts import facts_of, public_name
from rl_assets.recipes.fit import context_problem
from rl_assets.training.errors import TrainingRefused
from rl_assets.training.job import TrainingJob


def require_context(job: TrainingJob) -> None:
    """Raise TrainingRefused if rows, or answers to be generated, may be longer than the base model can see."""
    context, base = facts_of(job.base).context, public_name(job.base.name)
    if problem := context_problem(job.recipe, base, context):
        raise TrainingRefused(problem)
    kind, stage = job.kind, job.recipe.ppo if job.kind == "ppo" else job.recipe.grpo
    generates = kind == "ppo" or (kind == "grpo" and job.recipe.grpo.method == "online_grpo")
    generated = stage.max_completion_length if generates else 0
    if context is not None and generated >= context:
        raise TrainingRefused(
            f"Recipe {job.recipe.name}: {kind}.max_completion_length is {generated}, which leaves a prompt no room in "
            f"the {context} tokens that the base model {base} sees: set it to {context // 2} or less."
        )
