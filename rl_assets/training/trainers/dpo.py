"""Direct preference optimisation with TRL: the SFT adapter is continued, and its frozen copy is the reference."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_to_continue
from rl_assets.models.runtime import shares_temporary_files
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.data.audit import audit_trained_tokens, end_of_turn_ids
from rl_assets.training.data.rows import TrainingRows, pair_rows
from rl_assets.training.data.tokenized import pair_columns
from rl_assets.training.runner.checks import (
    Check,
    chosen_probability_check,
    step0_loss_check,
    step0_margin_check,
    trained_tokens_check,
)
from rl_assets.training.runner.run import Job, plan, publish_adapter, run_trainer, trainer_arguments
from rl_assets.training.trainers.arguments import dpo_arguments
from rl_assets.training.trainers.pair_trainer import pair_trainer_class
from rl_assets.training.trainers.preference import PreferenceSample, preference_sample


class WrongReferenceError(RuntimeError):
    """Before any update the policy differs from its reference: the preference loss would start from a bias."""


def train_dpo(
    dataset: Path,
    day: str,
    base: BaseModel,
    parent: Adapter,
    recipe: Recipe,
    adapters: Path,
    log: Callable[[str], None],
) -> Adapter:
    """The DPO adapter of these inputs, continued from `parent`: found, resumed or trained anew.

    Raises NotEnoughRows, UntrainableRows, WrongBaseModelError, WrongReferenceError, TrainingDiverged.
    """
    job = plan("dpo", dataset, day, base, parent, recipe, adapters, log)
    if found := job.existing():
        return found
    tokenizer = job.begin()
    rows = pair_rows(dataset, recipe, tokenizer, recipe.min_rows_dpo)
    log(f"dpo: {len(rows.rows)} pairs, dropped {dict(rows.dropped)}, into {job.folder.name}")
    trainer = _trainer(job, parent, tokenizer, rows)
    stops = end_of_turn_ids(tokenizer, trainer.model)
    audited = sum(audit_trained_tokens(trainer.train_dataset[side], stops) for side in ("chosen_ids", "rejected_ids"))
    before = preference_sample(trainer)
    require_parent_as_reference(before.loss, parent)
    log(f"dpo: loss {before.loss:.6f} and margin {before.margin:.6f} at step 0 (ln 2 and 0 against the parent)")
    measured = run_trainer(job, trainer, rows)
    after = preference_sample(trainer)
    measured |= {"preferences": {"pairs": before.pairs, "before": before.summary(), "after": after.summary()}}
    return publish_adapter(job, trainer.model, rows, measured, _checks(audited, before, after))


def require_parent_as_reference(loss: float, parent: Adapter) -> None:
    """Refuse to train where the loss before any update is not ln 2 against the parent adapter."""
    check = step0_loss_check(loss)
    if not check["passed"]:
        raise WrongReferenceError(
            f"The preference loss is {loss:.6f} before any update, {check['limit']:.6f} was expected: the reference is "
            f"not the parent adapter {parent.folder}. Nothing was trained; check the versions of trl and peft."
        )


def _checks(audited: int, before: PreferenceSample, after: PreferenceSample) -> list[Check]:
    return [
        trained_tokens_check(audited),
        step0_loss_check(before.loss),
        step0_margin_check(before.margin),
        chosen_probability_check(after.chosen_per_token - before.chosen_per_token),
    ]


def _trainer(job: Job, parent: Adapter, tokenizer: Any, rows: TrainingRows) -> Any:
    from trl import DPOConfig

    arguments = trainer_arguments(job, job.recipe.dpo) | dpo_arguments(job.recipe.dpo.model_dump(mode="json"))
    arguments["precompute_ref_log_probs"] &= shares_temporary_files()
    return pair_trainer_class()(
        model=load_to_continue(job.base, parent, job.recipe, job.log),
        args=DPOConfig(**arguments),
        train_dataset=pair_columns(rows, tokenizer),
        processing_class=tokenizer,
    )
