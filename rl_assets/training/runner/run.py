"""What every training shares: its folder, the arguments of its trainer, resuming, and measuring."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rl_assets.models.adapters import (
    CHECKPOINTS,
    TRAINING_VERSION,
    Adapter,
    AdapterInputs,
    Check,
    TrainingMetrics,
    existing_adapter,
)
from rl_assets.models.loading import require_same_base
from rl_assets.models.runtime import (
    computes_in_bfloat16,
    device_name,
    has_gpu,
    is_main_process,
    peak_memory_bytes,
    process_count,
)
from rl_assets.recipes.chat_template import ChatTemplateRecipe
from rl_assets.recipes.recipe import recipe_hash
from rl_assets.recipes.stages import StageRecipe
from rl_assets.tables.dataset_manifest import DatasetManifest, require_manifest
from rl_assets.training.data.rows import TrainingRows
from rl_assets.training.errors import TrainingDiverged
from rl_assets.training.job import TrainingJob
from rl_assets.training.runner.arguments import split_batch, stage_arguments
from rl_assets.training.runner.checkpoints import (
    Spent,
    checkpoint_step,
    commit_callback,
    discard_checkpoints_after,
    newest_complete_checkpoint,
    spent_before,
)
from rl_assets.training.runner.disk import explain_full_disk
from rl_assets.training.runner.finite import require_finite_weights
from rl_assets.training.runner.progress import Observe, Progress, loss_curve, observe_nothing, progress_callback
from rl_assets.training.runner.recent_rows import RecentRows

Log = Callable[[str], None]


@dataclass(frozen=True)
class TrainingRun:
    """A job whose dataset was published: the hash of its inputs names the folder. `dataset` is its manifest.

    `log` gets lines while it trains, `observe` values to plot.
    """

    job: TrainingJob
    log: Log
    dataset: DatasetManifest
    inputs: AdapterInputs
    observe: Observe = observe_nothing

    @property
    def folder(self) -> Path:
        """Where checkpoints and the adapter lie."""
        return self.job.adapters / self.inputs.kind / self.inputs.hash

    def existing(self) -> Adapter | None:
        """The adapter of these inputs if there is one already, now also used for the job's day."""
        adapter = existing_adapter(self.folder, self.inputs.kind, self.job.day)
        if adapter:
            self.log(f"{self.job.kind}: {self.folder.name} has these inputs already, nothing was trained")
        return adapter


@dataclass(frozen=True)
class Trained:
    """What a trainer gives: the model with its adapter, the rows, metrics and checks.

    `details` are the fields of the manifest that this kind or method alone has.
    """

    model: Any
    rows: TrainingRows
    metrics: TrainingMetrics
    checks: list[Check]
    details: dict[str, Any]


def open_run(job: TrainingJob, log: Log, observe: Observe = observe_nothing) -> TrainingRun:
    """The run of a job; WrongBaseModelError if its parent is an adapter of another base."""
    if job.parent is not None:
        require_same_base(job.base, job.parent)
        if other := other_template_rules(job.recipe.chat_template, job.parent.manifest.recipe):
            log(f"warning: the parent was trained with {other} of chat_template: train it again by this recipe")
    dataset = require_manifest(job.dataset)
    reward_model = job.used_reward_model
    inputs = AdapterInputs(
        kind=job.adapter_kind,
        base_name=job.base.name,
        base_sha256=job.base.sha256,
        parent_sha256=job.parent.sha256 if job.parent else None,
        dataset_name=dataset.name,
        dataset_sha256=dataset.sha256,
        reward_model_sha256=reward_model.sha256 if reward_model else None,
        recipe_hash=recipe_hash(job.recipe, job.adapter_kind),
        seed=job.recipe.seed,
        training_version=TRAINING_VERSION,
    )
    return TrainingRun(job, log, dataset, inputs, observe)


def other_template_rules(rules: ChatTemplateRecipe, parents_recipe: dict[str, Any]) -> str:
    """In which rules for the chat template a parent's recipe differs; empty if in none, or if it is of before them."""
    own = rules.model_dump(mode="json")
    parents = parents_recipe.get("chat_template") or own
    return ", ".join(f"{name} {parents.get(name)}" for name in own if parents.get(name) != own[name])


def trainer_arguments(run: TrainingRun, stage: StageRecipe) -> dict[str, Any]:
    """Keyword arguments of a TRL configuration; what TRL sets by default and a CPU cannot do is off."""
    recipe = run.job.recipe
    return stage_arguments(stage.model_dump(mode="json"), recipe.max_length, recipe.seed) | {
        **split_batch(stage.effective_batch_size, stage.gradient_accumulation_steps, process_count()),
        **machine_arguments(run),
        "save_steps": stage.save_steps,
    }


def machine_arguments(run: TrainingRun) -> dict[str, Any]:
    """The arguments of any trainer that the run's folder and this machine decide."""
    gpu = has_gpu()
    return {
        "output_dir": str(run.folder / CHECKPOINTS),
        "bf16": computes_in_bfloat16(),
        "use_cpu": not gpu,
        "dataloader_pin_memory": gpu,
        "ddp_find_unused_parameters": False,
        "save_strategy": "steps",
        "save_total_limit": 2,
    }


def run_trainer(run: TrainingRun, trainer: Any, rows: TrainingRows, files: tuple[str, ...] = ()) -> TrainingMetrics:
    """Train to the end, from the newest complete checkpoint if an earlier run was interrupted; the run's metrics.

    `files` are what the trainer writes into its checkpoints besides what all do.

    Tokens and seconds are those of all attempts, up to the checkpoint that each resumed from.
    """
    from transformers import PrinterCallback

    checkpoints, started = run.folder / CHECKPOINTS, time.monotonic()
    checkpoint = newest_complete_checkpoint(checkpoints, run.log, process_count())
    before = spent_before(checkpoint)
    bad_rows = RecentRows(trainer, rows.ids).of_bad_loss
    progress = Progress(run.log, bad_rows=bad_rows, observe=run.observe, tokens_before=before.tokens)

    def spent() -> Spent:
        seconds = round(before.wall_s + time.monotonic() - started, 3)
        return Spent(progress.tokens, seconds, max(before.peak_memory_bytes, peak_memory_bytes()))

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(progress_callback(progress))
    trainer.add_callback(commit_callback(checkpoints, process_count(), spent, files))
    if checkpoint:
        run.log(f"resuming from step {checkpoint_step(checkpoint)}")
    # Some of TRL's trainers count from 0 again, others from the state in the checkpoint.
    vars(trainer)["_total_train_tokens"] = before.tokens
    with explain_full_disk(run.folder), _keep_finite_checkpoints(checkpoints):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        require_finite_weights(trainer.model, trainer.state.global_step)
    return TrainingMetrics(
        steps=trainer.state.global_step,
        resumed_from_step=checkpoint_step(checkpoint) if checkpoint else None,
        **asdict(spent()),
        device=device_name(),
        loss_curve=loss_curve(trainer.state.log_history),
    )


@contextmanager
def _keep_finite_checkpoints(checkpoints: Path) -> Iterator[None]:
    """Remove checkpoints of weights that blew up, and say which one is left."""
    try:
        yield
    except TrainingDiverged as error:
        kept = discard_checkpoints_after(checkpoints, error.last_good_step) if is_main_process() else None
        left = (
            f"The checkpoint of step {checkpoint_step(kept)}, before that, is kept."
            if kept
            else "No checkpoint is kept."
        )
        raise TrainingDiverged(f"{error} {left}", error.last_good_step) from error
