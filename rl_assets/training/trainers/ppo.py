"""PPO: the policy answers prompts once, rewards score the answers, and a critic says which tokens earned them.

Schulman et al. 2017 (arXiv:1707.06347) as Ziegler et al. 2019 (arXiv:1909.08593) use it: the KL to the parent is part
of each token's reward, and its weight follows a target. GRPO needs no critic and is the default for answers of the
policy's own; PPO is worth it where one answer per prompt can be afforded, where rewards come a token or a step at a
time, or where the answers of a group do not differ. Read `ppo_losses`, `ppo_rollout`, `ppo_trainer`, then `ppo_checks`.
Simplified: a rollout's answers are forgotten after it, and scores are of whole answers.
"""

from dataclasses import asdict, replace
from typing import Any

from rl_assets.models.encoding import pad_id, prompt_ids
from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.loading import load_to_continue, load_tokenizer
from rl_assets.models.reward_scoring import reward_scorer
from rl_assets.models.runtime import computes_in_bfloat16, process_count
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.recipes.stages import PpoRecipe
from rl_assets.rewards.named import reward_functions
from rl_assets.training.data.audit import audit_end_of_turn
from rl_assets.training.data.group_rows import read_prompt_rows
from rl_assets.training.data.rows import TrainingRows, require_min_rows
from rl_assets.training.errors import TrainingRefused
from rl_assets.training.runner.run import Trained, TrainingRun, machine_arguments, run_trainer
from rl_assets.training.trainers.gaming import GamingProbe, total_reward
from rl_assets.training.trainers.online_grpo import require_scored_prompts
from rl_assets.training.trainers.ppo_checks import ppo_checks
from rl_assets.training.trainers.ppo_models import POLICY, ActorCritic, without_dropout
from rl_assets.training.trainers.ppo_rewards import Rewards
from rl_assets.training.trainers.ppo_rollout import Sampler, prompt_order, sampling_config, seed_of
from rl_assets.training.trainers.ppo_trainer import FILES, ppo_trainer

NO_ROOM = "with a prompt that leaves no room for an answer"
# Answers of the parent that a learned reward is scaled by, and the number of the rollout that their seed stands for.
SCALED_BY, BEFORE_ALL = 64, -1
SAME_NAMES = ("learning_rate", "lr_scheduler_type", "warmup_steps", "optim", "gradient_checkpointing")


def train_ppo(run: TrainingRun) -> Trained:
    """Continue the parent.

    Raises NotEnoughRows, UntrainableRows, TrainingDiverged, NoSignal; TrainingRefused for rewards that are none;
    ValueError without a reward model that the recipe names.
    """
    job, recipe, stage = run.job, run.job.recipe, run.job.recipe.ppo
    require_divisible(stage, process_count())
    scorer = reward_scorer(job.base, job.used_reward_model) if job.used_reward_model else None
    functions = reward_functions(stage.reward_funcs, scorer)
    tokenizer = load_tokenizer(job.base, recipe.chat_template)
    rows = ppo_rows(run, tokenizer)
    run.log(f"ppo: {len(rows.rows)} prompts, dropped {dict(rows.dropped)}, into {run.folder.name}")
    require_scored_prompts(rows.rows, stage.reward_funcs, functions, "ppo")
    models = _models(run)
    ends = end_of_turn_ids(tokenizer, models.base)
    answered = (tokenizer.apply_chat_template(row["prompt"] + row["completion"])["input_ids"] for row in rows.rows)
    audited = audit_end_of_turn(answered, ends)
    # Nothing that the base names as its own defaults, such as top_k 50, is to filter what is sampled.
    models.base.generation_config = sampling_config(ends, pad_id(tokenizer))
    probe = GamingProbe.of_parent(run, tokenizer, models.base)
    sampler, rewards = _sampler(run, tokenizer, rows, models, ends), Rewards(stage, functions, rows.rows)
    _scale(run, models, sampler, rewards)
    trainer = ppo_trainer(_arguments(run), stage, recipe.seed, models, sampler, rewards)
    metrics = run_trainer(run, trainer, rows, FILES)
    trainer.require_equal_processes()
    models.activate(POLICY)
    state = trainer.run_state
    score = total_reward(stage.reward_funcs, functions)
    not_gamed, gaming = probe.finish(models.base, score, learned=stage.uses_reward_model)
    checks = ppo_checks(state.rollouts, state.answers, state.first_ratio, stage, computes_in_bfloat16())
    details = {
        "method": "ppo",
        "reward_funcs": list(stage.reward_funcs),
        "ppo": {
            "beta": state.beta,
            "reward_scale": dict(zip(("mean", "sd"), rewards.scale, strict=True)),
            "rollouts": [asdict(measured) for measured in state.rollouts],
        },
    }
    return Trained(models.model, rows, metrics, [audited, *checks, not_gamed], details | gaming)


def ppo_rows(run: TrainingRun, tokenizer: Any) -> TrainingRows:
    """{prompt, completion, reference} rows whose prompts leave room for an answer; others are dropped, not cut."""
    recipe = run.job.recipe
    read, most = read_prompt_rows(run.job.dataset, recipe, tokenizer), _longest_prompt(recipe)
    fits = [len(prompt_ids(tokenizer, row["prompt"])) <= most for row in read.rows]
    kept = replace(
        read,
        rows=[row for row, fit in zip(read.rows, fits, strict=True) if fit],
        ids=[name for name, fit in zip(read.ids, fits, strict=True) if fit],
    )
    if not all(fits):
        kept.dropped[NO_ROOM] += fits.count(False)
    return require_min_rows(kept, recipe.min_rows_ppo, run.job.dataset, recipe)


def _longest_prompt(recipe: Recipe) -> int:
    most = recipe.max_length - recipe.ppo.max_completion_length
    if most < 1:
        raise TrainingRefused(
            f"Recipe {recipe.name}: ppo.max_completion_length is {recipe.ppo.max_completion_length}, which leaves a "
            f"prompt no room in max_length {recipe.max_length}: lower the one or raise the other."
        )
    return most


def require_divisible(stage: PpoRecipe, processes: int) -> None:
    """TrainingRefused if the answers of a step cannot be dealt out evenly."""
    if stage.effective_batch_size % processes:
        raise TrainingRefused(
            f"ppo.effective_batch_size {stage.effective_batch_size} cannot be divided over {processes} processes: "
            f"make it a multiple of {processes}."
        )


def _models(run: TrainingRun) -> ActorCritic:
    """Policy, reference and critic of one base, without dropout."""
    job = run.job
    still = adjusted(job.recipe, {"lora": {"lora_dropout": 0.0}})
    models = ActorCritic(
        load_to_continue(job.base, job.required_parent, still, run.log), job.required_parent, job.used_reward_model
    )
    without_dropout(models.model)
    return models


def _sampler(
    run: TrainingRun, tokenizer: Any, rows: TrainingRows, models: ActorCritic, ends: frozenset[int]
) -> Sampler:
    stage = run.job.recipe.ppo
    encoded = [prompt_ids(tokenizer, row["prompt"]) for row in rows.rows]
    length, temperature = stage.max_completion_length, stage.temperature
    return Sampler(models, tokenizer, encoded, ends, pad_id(tokenizer), length, temperature)


def _scale(run: TrainingRun, models: ActorCritic, sampler: Sampler, rewards: Rewards) -> None:
    """Scale a learned reward by the parent's answers, and start the critic as the model that gives it."""
    reward_model, seed = run.job.used_reward_model, run.job.recipe.seed
    if reward_model is None:
        return
    rows = prompt_order(len(sampler.encoded), seed, 0, SCALED_BY)
    answered, *_ = sampler.sample(rows, seed_of(seed, BEFORE_ALL, 0))
    rewards.measure_scale(answered)
    models.start_as(reward_model, rewards.scale)


def _arguments(run: TrainingRun) -> dict[str, Any]:
    """Of the recipe and this machine, what transformers' TrainingArguments take."""
    seed = run.job.recipe.seed
    stage = run.job.recipe.ppo.model_dump(mode="json", include=set(SAME_NAMES))
    return (
        stage
        | machine_arguments(run)
        | {
            "seed": seed,
            "data_seed": seed,
            "logging_steps": 1,
            "logging_nan_inf_filter": False,
            "disable_tqdm": True,
            "report_to": [],
        }
    )
