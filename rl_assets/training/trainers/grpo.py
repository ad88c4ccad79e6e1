"""Learning from groups of answers: from logged ones in three ways, or online with reward functions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.data.audit import audit_trained_tokens, end_of_turn_ids
from rl_assets.training.data.group_rows import group_rows, prompt_rows
from rl_assets.training.data.rows import TrainingRows
from rl_assets.training.runner.checks import better_answers_check, trained_tokens_check
from rl_assets.training.runner.run import Job, plan, publish_adapter, run_trainer
from rl_assets.training.trainers.logged import logged_trainer
from rl_assets.training.trainers.logged_training import token_log_probabilities
from rl_assets.training.trainers.online import online_trainer, reward_gain

PROBES = 128


def train_grpo(
    dataset: Path,
    day: str,
    base: BaseModel,
    parent: Adapter,
    recipe: Recipe,
    adapters: Path,
    log: Callable[[str], None],
    reward_model: Adapter | None = None,
) -> Adapter:
    """The adapter that continues `parent` in the way that the recipe names: found, resumed or trained anew.

    `reward_model` is needed where the recipe's rewards name it. Raises NotEnoughRows, UntrainableRows,
    WrongBaseModelError, TrainingDiverged, ValueError.
    """
    if recipe.grpo.way != "online" or "reward_model" not in recipe.grpo.rewards:
        reward_model = None
    job = plan("grpo", dataset, day, base, parent, recipe, adapters, log, reward_model)
    if found := job.existing():
        return found
    tokenizer = job.begin()
    if recipe.grpo.way == "online":
        return _online(job, tokenizer, prompt_rows(dataset, recipe, tokenizer), reward_model)
    return _logged(job, tokenizer, group_rows(dataset, recipe, tokenizer))


def _logged(job: Job, tokenizer: Any, rows: TrainingRows) -> Adapter:
    way = job.recipe.grpo.way
    job.log(f"grpo by {way}: {len(rows.rows)} answers, dropped {dict(rows.dropped)}, into {job.folder.name}")
    trainer = logged_trainer(job, tokenizer, rows.rows)
    trained = ([token for token in labels if token >= 0] for labels in trainer.train_dataset["labels"])
    audited = audit_trained_tokens(trained, end_of_turn_ids(tokenizer, trainer.model))
    before = _preference_for_better(trainer, rows, way)
    measured = run_trainer(job, trainer, rows) | {"way": way, "logging_policy": _logging_policy(job)}
    gain = _preference_for_better(trainer, rows, way) - before
    checks = [trained_tokens_check(audited), better_answers_check(gain, "log-probability of the better answers")]
    return publish_adapter(job, trainer.model, rows, measured, checks)


def _online(job: Job, tokenizer: Any, rows: TrainingRows, reward_model: Adapter | None) -> Adapter:
    job.log(f"grpo online: {len(rows.rows)} prompts, dropped {dict(rows.dropped)}, into {job.folder.name}")
    trainer = online_trainer(job, tokenizer, rows.rows, reward_model)
    measured = run_trainer(job, trainer, rows) | {"way": "online", "rewards": list(job.recipe.grpo.rewards)}
    gain = reward_gain(trainer.state.log_history)
    ends = (tokenizer.apply_chat_template(row["prompt"] + row["completion"])["input_ids"] for row in rows.rows)
    audited = audit_trained_tokens(ends, end_of_turn_ids(tokenizer, trainer.model))
    checks = [trained_tokens_check(audited), better_answers_check(gain, "mean reward")]
    return publish_adapter(job, trainer.model, rows, measured, checks)


def _logging_policy(job: Job) -> str | None:
    """Which policy's probabilities the ratio is taken to; None where the loss has no ratio."""
    if job.recipe.grpo.way != "clipped" or job.parent is None:
        return None
    return f"the frozen parent adapter {job.parent.inputs_hash}, since the log holds no token probabilities"


def _preference_for_better(trainer: Any, rows: TrainingRows, way: str) -> float:
    """Mean over the first answers of log-probability a token, each weighted by its advantage (by 1 for raft).

    Advantage weighting makes worse answers likelier too, only less so: there the better ones alone count.
    """
    found = token_log_probabilities(trainer, min(PROBES, len(rows.rows)))
    counts = [sum(label >= 0 for label in trainer.train_dataset[at]["labels"]) for at in range(len(found))]
    weights = [_importance(row["advantage"], way) for row in rows.rows[: len(found)]]
    values = [w * row.sum().item() / count for w, row, count in zip(weights, found, counts, strict=True)]
    return sum(values) / len(values)


def _importance(advantage: float, way: str) -> float:
    if way == "raft":
        return 1.0
    return max(0.0, advantage) if way == "advantage_weighted" else advantage
