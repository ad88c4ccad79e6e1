"""GRPO online with TRL: the policy answers prompts itself, and reward functions score its answers.

Shao et al. 2024 (arXiv:2402.03300) as TRL implements it; the parent is the KL's reference. Against the paper: a single
reward is not divided by the group's standard deviation (Liu et al. 2025, arXiv:2503.20783), several are normalised each
within its group, then summed (GDPO, as TRL implements it).
"""

from typing import Any

from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.loading import load_to_continue, load_tokenizer
from rl_assets.models.reward_scoring import reward_scorer
from rl_assets.rewards.named import reward_functions
from rl_assets.training.data.audit import audit_end_of_turn
from rl_assets.training.data.group_rows import prompt_rows
from rl_assets.training.data.rows import Row
from rl_assets.training.runner.checks import better_answers_check
from rl_assets.training.runner.run import Trained, TrainingRun, run_trainer, trainer_arguments


def train_online_grpo(run: TrainingRun) -> Trained:
    """Continue the parent. Raises NotEnoughRows, UntrainableRows, TrainingDiverged; ValueError without a reward model
    that the recipe names.
    """
    job, stage = run.job, run.job.recipe.grpo
    tokenizer = load_tokenizer(job.base)
    rows = prompt_rows(job.dataset, job.recipe, tokenizer)
    run.log(f"grpo online: {len(rows.rows)} prompts, dropped {dict(rows.dropped)}, into {run.folder.name}")
    trainer = _trainer(run, tokenizer, rows.rows)
    answered = (tokenizer.apply_chat_template(row["prompt"] + row["completion"])["input_ids"] for row in rows.rows)
    audited = audit_end_of_turn(answered, end_of_turn_ids(tokenizer, trainer.model))
    metrics = run_trainer(run, trainer, rows)
    gain = reward_gain(trainer.state.log_history)
    checks = [audited, better_answers_check(gain, "mean reward")]
    details = {"method": stage.method, "reward_funcs": list(stage.reward_funcs)}
    return Trained(trainer.model, rows, metrics, checks, details)


def _trainer(run: TrainingRun, tokenizer: Any, rows: list[Row]) -> Any:
    """TRL's GRPO trainer for {prompt, reference} rows."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    job, stage = run.job, run.job.recipe.grpo
    reward_model = job.used_reward_model
    scorer = reward_scorer(job.base, reward_model) if reward_model else None
    arguments = trainer_arguments(run, stage)
    arguments.pop("max_length")
    return GRPOTrainer(
        model=load_to_continue(job.base, job.required_parent, job.recipe, run.log),
        reward_funcs=[*reward_functions(stage.reward_funcs, scorer)],
        args=GRPOConfig(**arguments, **online_arguments(stage.model_dump(mode="json"))),
        train_dataset=Dataset.from_list([{"prompt": row["prompt"], "reference": row["reference"]} for row in rows]),
        processing_class=tokenizer,
    )


def online_arguments(stage: dict[str, Any]) -> dict[str, Any]:
    """Of a GrpoRecipe's values those that TRL's trainer takes besides `stage_arguments` (but for `max_length`)."""
    names = ("num_generations", "max_completion_length", "beta", "epsilon", "epsilon_high", "entropy_coef")
    several = len(stage["reward_funcs"]) > 1
    return {name: stage[name] for name in names} | {
        "scale_rewards": "group" if several else "none",
        "multi_objective_aggregation": "normalize_then_sum" if several else "sum_then_normalize",
    }


def reward_gain(history: list[dict[str, Any]]) -> float:
    """Mean reward of the last tenth of the steps minus that of the first, from the trainer's history."""
    rewards: list[float] = [entry["reward"] for entry in history if "reward" in entry]
    tenth = max(1, len(rewards) // 10)
    return (sum(rewards[-tenth:]) - sum(rewards[:tenth])) / tenth
