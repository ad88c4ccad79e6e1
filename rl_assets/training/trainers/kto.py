"""Kahneman-Tversky optimisation with TRL: learning from single good and bad answers, against the SFT adapter."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_to_continue
from rl_assets.models.runtime import shares_temporary_files
from rl_assets.recipes.recipe import Recipe
from rl_assets.recipes.stages import KtoRecipe
from rl_assets.training.data.audit import audit_trained_tokens, end_of_turn_ids
from rl_assets.training.data.rows import Row, TrainingRows, kto_rows
from rl_assets.training.runner.checks import step0_kto_check, trained_tokens_check
from rl_assets.training.runner.run import Job, plan, publish_adapter, run_trainer, trainer_arguments


def train_kto(
    dataset: Path,
    day: str,
    base: BaseModel,
    parent: Adapter,
    recipe: Recipe,
    adapters: Path,
    log: Callable[[str], None],
) -> Adapter:
    """The KTO adapter of these inputs, continued from `parent`: found, resumed or trained anew.

    Raises NotEnoughRows, UntrainableRows (too: rows of one label only), WrongBaseModelError, TrainingDiverged.
    """
    job = plan("kto", dataset, day, base, parent, recipe, adapters, log)
    if found := job.existing():
        return found
    tokenizer = job.begin()
    rows = shuffled(kto_rows(dataset, recipe, tokenizer), recipe.seed)
    weights = label_weights([row["label"] for row in rows.rows], recipe.kto)
    log(f"kto: {len(rows.rows)} rows, weights good {weights[True]:.3g}, bad {weights[False]:.3g}")
    trainer = _trainer(job, parent, tokenizer, rows.rows, weights)
    audited = audit_trained_tokens(trainer.train_dataset["completion_ids"], end_of_turn_ids(tokenizer, trainer.model))
    measured = run_trainer(job, trainer, rows) | {"label_weights": {"good": weights[True], "bad": weights[False]}}
    first = rows.rows[: recipe.kto.batch * recipe.kto.accumulate]
    expected = 0.5 * sum(weights[row["label"]] for row in first) / len(first)
    checks = [trained_tokens_check(audited), step0_kto_check(measured["loss_curve"][0][1], expected)]
    return publish_adapter(job, trainer.model, rows, measured, checks)


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
    return TrainingRows([rows.rows[at] for at in order], [rows.ids[at] for at in order], rows.dropped, rows.cut)


def _trainer(job: Job, parent: Adapter, tokenizer: Any, rows: list[Row], weights: dict[bool, float]) -> Any:
    from datasets import Dataset
    from trl import KTOConfig, KTOTrainer

    return KTOTrainer(
        model=load_to_continue(job.base, parent, job.recipe, job.log),
        args=KTOConfig(
            **trainer_arguments(job, job.recipe.kto),
            beta=job.recipe.kto.beta,
            desirable_weight=weights[True],
            undesirable_weight=weights[False],
            precompute_ref_log_probs=shares_temporary_files(),
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
