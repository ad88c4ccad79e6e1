"""Kahneman-Tversky optimisation with TRL: learning from single good and bad answers, against the SFT adapter.

Ethayarajh et al. 2024 (arXiv:2402.01306), eq. 8: the loss of an answer is its weight x (1 - sigmoid(beta x z)), where z
is the log-ratio of policy to reference in nats minus the KL between them, negated for bad answers. Before any update it
is half the weight. As in TRL, the KL is estimated from the batch: each answer with the prompt of another row.
"""

import random
from dataclasses import replace
from typing import Any

from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.loading import load_to_continue, load_tokenizer
from rl_assets.models.runtime import shares_temporary_files
from rl_assets.recipes.stages import KtoRecipe
from rl_assets.training.data.audit import audit_end_of_turn
from rl_assets.training.data.rows import Row, TrainingRows, kto_rows
from rl_assets.training.runner.checks import step0_kto_check, step0_tolerance
from rl_assets.training.runner.run import Trained, TrainingRun, run_trainer, trainer_arguments


def train_kto(run: TrainingRun) -> Trained:
    """Continue the parent. Raises NotEnoughRows, UntrainableRows (too: rows of one label only), TrainingDiverged."""
    job, stage = run.job, run.job.recipe.kto
    tokenizer = load_tokenizer(job.base, job.recipe.chat_template)
    rows = shuffled(kto_rows(job.dataset, job.recipe, tokenizer), job.recipe.seed)
    weights = label_weights([row["label"] for row in rows.rows], stage)
    run.log(f"kto: {len(rows.rows)} rows, weights good {weights[True]:.3g}, bad {weights[False]:.3g}")
    trainer = _trainer(run, tokenizer, rows.rows, weights)
    audited = audit_end_of_turn(trainer.train_dataset["completion_ids"], end_of_turn_ids(tokenizer, trainer.model))
    metrics = run_trainer(run, trainer, rows)
    first_batch = rows.rows[: stage.effective_batch_size]
    expected = 0.5 * sum(weights[row["label"]] for row in first_batch) / len(first_batch)
    checks = [audited, step0_kto_check(metrics.loss_curve[0][1], expected, step0_tolerance())]
    details = {"label_weights": {"good": weights[True], "bad": weights[False]}}
    return Trained(trainer.model, rows, metrics, checks, details)


def label_weights(labels: list[bool], recipe: KtoRecipe) -> dict[bool, float]:
    """Weights by label: the recipe's, else those at which both kinds count alike, the rarer one above 1."""
    good, bad = labels.count(True), labels.count(False)
    return {
        True: recipe.desirable_weight or max(1.0, bad / good),
        False: recipe.undesirable_weight or max(1.0, good / bad),
    }


def shuffled(rows: TrainingRows, seed: int) -> TrainingRows:
    """The rows in an order of the seed: the trainer keeps the order, and pairs neighbours for its KL term."""
    order = list(range(len(rows.rows)))
    random.Random(seed).shuffle(order)
    return replace(rows, rows=[rows.rows[at] for at in order], ids=[rows.ids[at] for at in order])


def _trainer(run: TrainingRun, tokenizer: Any, rows: list[Row], weights: dict[bool, float]) -> Any:
    from datasets import Dataset
    from trl import KTOConfig, KTOTrainer

    job, stage = run.job, run.job.recipe.kto
    return KTOTrainer(
        model=load_to_continue(job.base, job.required_parent, job.recipe, run.log),
        args=KTOConfig(
            **trainer_arguments(run, stage),
            beta=stage.beta,
            desirable_weight=weights[True],
            undesirable_weight=weights[False],
            # If no row is trained on twice, it costs no more in the steps, and only for rows that these see.
            precompute_ref_log_probs=shares_temporary_files() and not stage.is_within_one_epoch(len(rows)),
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
