"""GRPO online with TRL: the policy answers prompts itself, and reward functions score its answers.

Shao et al. 2024 (arXiv:2402.03300) as TRL implements it; the parent is the KL's reference. Against the paper: a single
reward is not divided by the group's standard deviation (Liu et al. 2025, arXiv:2503.20783), several are normalised each
within its group, then summed (GDPO, as TRL implements it).
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.loading import load_to_continue, load_tokenizer
from rl_assets.models.reward_scoring import reward_scorer
from rl_assets.recipes.stages import GrpoRecipe
from rl_assets.rewards.named import RewardFunction, reward_functions
from rl_assets.training.data.audit import audit_end_of_turn
from rl_assets.training.data.group_rows import prompt_rows
from rl_assets.training.data.rows import Row
from rl_assets.training.errors import TrainingRefused
from rl_assets.training.runner.checks import better_answers_check
from rl_assets.training.runner.run import Trained, TrainingRun, run_trainer, trainer_arguments
from rl_assets.training.trainers.gaming import GamingProbe, total_reward

# From this share of cut answers on, their length is the first thing to look at.
MANY_CUT = 0.5


def train_online_grpo(run: TrainingRun) -> Trained:
    """Continue the parent.

    Raises NotEnoughRows, UntrainableRows, TrainingDiverged; TrainingRefused if no reward told answers apart; ValueError
    without a reward model that the recipe names.
    """
    job, stage = run.job, run.job.recipe.grpo
    tokenizer = load_tokenizer(job.base, job.recipe.chat_template)
    rows = prompt_rows(job.dataset, job.recipe, tokenizer)
    run.log(f"grpo online: {len(rows.rows)} prompts, dropped {dict(rows.dropped)}, into {run.folder.name}")
    trainer = _trainer(run, tokenizer, rows.rows)
    require_scored_prompts(rows.rows, stage.reward_funcs, trainer.reward_funcs)
    answered = (tokenizer.apply_chat_template(row["prompt"] + row["completion"])["input_ids"] for row in rows.rows)
    audited = audit_end_of_turn(answered, end_of_turn_ids(tokenizer, trainer.model))
    probe = GamingProbe.of_parent(run, tokenizer, trainer.model)
    metrics = run_trainer(run, trainer, rows)
    require_signal(trainer.state.log_history, stage)
    gain = reward_gain(trainer.state.log_history)
    score = total_reward(stage.reward_funcs, trainer.reward_funcs)
    not_gamed, gaming = probe.finish(trainer.model, score, learned=stage.uses_reward_model)
    checks = [audited, better_answers_check(gain, "mean reward"), not_gamed]
    details = {"method": stage.method, "reward_funcs": list(stage.reward_funcs)} | gaming
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
    model = load_to_continue(job.base, job.required_parent, job.recipe, run.log)
    # The trainer stops at these and at the tokenizer's, which ends no turn with some bases.
    model.generation_config.eos_token_id = sorted(end_of_turn_ids(tokenizer, model))
    return GRPOTrainer(
        model=model,
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


def require_scored_prompts(
    rows: list[Row], names: Sequence[str], functions: Sequence[RewardFunction], stage: str = "grpo"
) -> None:
    """Refuse prompts of which none gets a reward, even if it is answered as well as in the log.

    A reward model scores every answer, so it is not asked.
    """
    if "reward_model" in names:
        return
    columns = [[row[name] for row in rows] for name in ("prompt", "completion", "reference")]
    prompts, completions, references = columns
    rewards = (function(prompts=prompts, completions=completions, reference=references) for function in functions)
    if all(reward is None for one in rewards for reward in one):
        raise TrainingRefused(
            f"None of the reward functions {', '.join(names)} gives a reward for any of the {len(rows)} prompts: there "
            f"is nothing to learn. Name others in the recipe's {stage}.reward_funcs: json_format rewards the form of "
            "JSON, task_success the number of worked solutions, exact_answer the text of the best logged answer, "
            "reward_model what people prefer."
        )


def require_signal(history: list[dict[str, Any]], stage: GrpoRecipe) -> None:
    """Refuse a run in which the rewards of every group were all equal, at every step: its adapter learned nothing."""
    scored = [entry for entry in history if "frac_reward_zero_std" in entry]
    if any(entry["frac_reward_zero_std"] < 1 for entry in scored):
        return
    means = {name: _mean(entry.get(f"rewards/{name}/mean") for entry in scored) for name in stage.reward_funcs}
    given = ", ".join(f"{name} {mean:.3g}" for name, mean in means.items() if not math.isnan(mean))
    cut = _mean(entry.get("completions/clipped_ratio") for entry in scored)
    longer = f"{cut:.0%} of the answers were cut: raise max_completion_length. " if cut >= MANY_CUT else ""
    raise TrainingRefused(
        f"Every answer to a prompt had the same reward, in all {len(scored)} steps (mean rewards: {given}): there was "
        f"nothing to learn, and no adapter is published. {longer}If all are 0, the parent cannot solve the tasks yet: "
        "train it longer, or learn from logged answers (method raft). If all are the maximum, it solves them already. "
        "Otherwise name reward functions in grpo.reward_funcs that tell its answers apart, or raise num_generations."
    )


def _mean(values: Iterable[float | None]) -> float:
    """Mean of the values that are numbers; NaN if none is."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def reward_gain(history: list[dict[str, Any]]) -> float:
    """Mean reward of the last tenth of the steps minus that of the first, from the trainer's history."""
    rewards: list[float] = [entry["reward"] for entry in history if "reward" in entry]
    tenth = max(1, len(rewards) // 10)
    return (sum(rewards[-tenth:]) - sum(rewards[:tenth])) / tenth
