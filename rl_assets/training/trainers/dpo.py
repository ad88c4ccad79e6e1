"""Direct preference optimisation with TRL: the SFT adapter is continued, and its frozen copy is the reference.

Rafailov et al. 2023 (arXiv:2305.18290), eq. 7: the loss of a pair is -log sigmoid(beta x margin), where the margin is
the log-ratio of policy to reference of the chosen answer minus that of the rejected, in nats summed over tokens. With
the loss type "sft" the chosen answer's negative log-likelihood is added. Before any update the loss must be ln 2 and
the margin 0, or the reference is not the parent: then nothing is trained. Simplified: one reference, whose
log-probabilities of a pair are computed once; labels are assumed to be certain (no label smoothing).
"""

from itertools import chain
from typing import Any

from rl_assets.models.adapters import Adapter, Check
from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.loading import load_to_continue, load_tokenizer
from rl_assets.models.phase import Phase
from rl_assets.models.runtime import shares_temporary_files
from rl_assets.recipes.stages import DpoRecipe
from rl_assets.training.data.audit import audit_end_of_turn
from rl_assets.training.data.rows import TrainingRows, pair_rows
from rl_assets.training.data.tokenized import pair_columns
from rl_assets.training.errors import WrongReferenceError
from rl_assets.training.runner.checks import (
    chosen_probability_check,
    step0_loss_check,
    step0_margin_check,
    step0_tolerance,
)
from rl_assets.training.runner.run import Trained, TrainingRun, run_trainer, trainer_arguments
from rl_assets.training.trainers.pair_trainer import pair_trainer_class
from rl_assets.training.trainers.preference_sample import preference_sample


def train_dpo(run: TrainingRun) -> Trained:
    """Continue the parent. Raises NotEnoughRows, UntrainableRows, WrongReferenceError, TrainingDiverged."""
    job, parent = run.job, run.job.required_parent
    tokenizer = load_tokenizer(job.base, job.recipe.chat_template)
    rows = pair_rows(job.dataset, job.recipe, tokenizer, job.recipe.min_rows_dpo)
    run.log(f"dpo: {len(rows.rows)} pairs, dropped {dict(rows.dropped)}, into {run.folder.name}")
    trainer = _trainer(run, tokenizer, rows)
    sides = (trainer.train_dataset[side] for side in ("chosen_ids", "rejected_ids"))
    audited = audit_end_of_turn(chain.from_iterable(sides), end_of_turn_ids(tokenizer, trainer.model))
    before = preference_sample(trainer)
    start_loss = require_parent_as_reference(before.loss, parent)
    run.log(f"dpo: loss {before.loss:.6f} and margin {before.margin:.6f} at step 0 (ln 2 and 0 against the parent)")
    metrics = run_trainer(run, trainer, rows)
    after = preference_sample(trainer)
    change = chosen_probability_check(after.chosen_per_token - before.chosen_per_token)
    checks = [audited, start_loss, step0_margin_check(before.margin, step0_tolerance()), change]
    details = {"preferences": {"pairs": before.pairs, "before": before.summary(), "after": after.summary()}}
    return Trained(trainer.model, rows, metrics, checks, details)


def require_parent_as_reference(loss: float, parent: Adapter) -> Check:
    """The check that the loss before any update is ln 2 against the parent; WrongReferenceError if it fails."""
    check = step0_loss_check(loss, step0_tolerance())
    if not check.passed:
        raise WrongReferenceError(
            f"The preference loss is {loss:.6f} before any update, {check.limit:.6f} was expected: the reference is "
            f"not the parent adapter {parent.folder}. Nothing was trained; check the versions of trl and peft.",
            check,
        )
    return check


def _trainer(run: TrainingRun, tokenizer: Any, rows: TrainingRows) -> Any:
    from trl import DPOConfig

    job, stage = run.job, run.job.recipe.dpo
    arguments = trainer_arguments(run, stage) | dpo_arguments(stage.model_dump(mode="json"), len(rows.rows))
    arguments["precompute_ref_log_probs"] &= shares_temporary_files()
    model = load_to_continue(job.base, job.required_parent, job.recipe, run.log)
    phase = Phase("reference log-probabilities of pairs", len(rows.rows), run.log)
    return pair_trainer_class(phase.report)(
        model=model,
        args=DPOConfig(**arguments),
        train_dataset=pair_columns(rows, tokenizer),
        processing_class=tokenizer,
    )


def dpo_arguments(stage: dict[str, Any], pairs: int) -> dict[str, Any]:
    """Of a DpoRecipe's values, for so many pairs, those that TRL's trainer takes besides `stage_arguments`."""
    names = ("beta", "loss_type", "train_sampling_strategy")
    before = stage["precompute_ref_log_probs"] and not DpoRecipe.model_validate(stage).is_within_one_epoch(pairs)
    return {name: stage[name] for name in names} | {"precompute_ref_log_probs": before}
