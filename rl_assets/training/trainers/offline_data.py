"""What the methods share that learn from offline data: groups of logged answers with their rewards.

The methods are `raft.py`, `awr.py` and `offline_grpo.py`; each says which rows it takes, how its trainer is built, and
what counts as a better answer.
"""

from collections.abc import Callable, Sequence
from typing import Any

from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.loading import load_to_continue, load_tokenizer
from rl_assets.recipes.stages import GrpoRecipe
from rl_assets.training.data.audit import audit_end_of_turn, trained_tokens
from rl_assets.training.data.group_rows import group_rows
from rl_assets.training.data.rows import Row
from rl_assets.training.runner.checks import better_answers_check
from rl_assets.training.runner.run import Trained, TrainingRun, run_trainer, trainer_arguments
from rl_assets.training.trainers.gaming import GamingProbe
from rl_assets.training.trainers.offline_trainer import token_log_probabilities

PROBED_ROWS = 128

# (model, TRL arguments, {prompt, completion, advantage} rows, tokenizer, recipe) -> TRL's trainer.
BuildTrainer = Callable[[Any, dict[str, Any], list[Row], Any, GrpoRecipe], Any]


def train_on_offline_data(
    run: TrainingRun, build_trainer: BuildTrainer, importance: Callable[[float], float], *, best_only: bool = False
) -> Trained:
    """Continue the parent on the groups' answers, or the best of each; better answers must have become likelier.

    `importance` turns an answer's advantage into its weight in that check. Raises NotEnoughRows, UntrainableRows,
    TrainingDiverged.
    """
    job, method = run.job, run.job.recipe.grpo.method
    tokenizer = load_tokenizer(job.base, job.recipe.chat_template)
    rows = group_rows(job.dataset, job.recipe, tokenizer, best_only=best_only)
    run.log(f"grpo by {method}: {len(rows.rows)} answers, dropped {dict(rows.dropped)}, into {run.folder.name}")
    model = load_to_continue(job.base, job.required_parent, job.recipe, run.log)
    arguments = trainer_arguments(run, job.recipe.grpo)
    trainer = build_trainer(model, arguments, rows.rows, tokenizer, job.recipe.grpo)
    stops = end_of_turn_ids(tokenizer, trainer.model)
    audited = audit_end_of_turn(trained_tokens(trainer.train_dataset["labels"]), stops)
    weights = [importance(row["advantage"]) for row in rows.rows[:PROBED_ROWS]]
    before = weighted_log_probability(trainer, weights)
    probe = GamingProbe.of_parent(run, tokenizer, trainer.model)
    metrics = run_trainer(run, trainer, rows)
    gain = weighted_log_probability(trainer, weights) - before
    not_gamed, gaming = probe.finish(trainer.model, None, learned=False)
    checks = [audited, better_answers_check(gain, "log-probability of the better answers"), not_gamed]
    return Trained(trainer.model, rows, metrics, checks, {"method": method} | gaming)


def weighted_log_probability(trainer: Any, weights: Sequence[float]) -> float:
    """Mean over the first answers, one per weight, of weight x log-probability in nats per token."""
    rows = token_log_probabilities(trainer, len(weights))
    counts = [sum(label >= 0 for label in trainer.train_dataset[at]["labels"]) for at in range(len(rows))]
    values: list[float] = [w * row.sum().item() / count for w, row, count in zip(weights, rows, counts, strict=True)]
    return sum(values) / len(values)
