"""What every stage's training shares: its plan, trainer arguments, resuming, measuring, and publishing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rl_assets.models.adapters import (
    CHECKPOINTS,
    TRAINING_VERSION,
    WEIGHTS,
    Adapter,
    AdapterInputs,
    existing_adapter,
    publish,
    read_adapter,
    read_dataset_manifest,
)
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_tokenizer, require_same_base
from rl_assets.models.runtime import (
    device_name,
    has_gpu,
    is_main_process,
    library_versions,
    peak_memory_bytes,
    process_count,
    start,
)
from rl_assets.recipes.recipe import Recipe, recipe_hash
from rl_assets.recipes.stages import StageRecipe
from rl_assets.training.data.rows import TrainingRows
from rl_assets.training.export.model_card import model_card
from rl_assets.training.runner.checkpoints import checkpoint_step, newest_whole_checkpoint, sealing_callback
from rl_assets.training.runner.checks import Check, weights_reload_check
from rl_assets.training.runner.disk import told_when_full
from rl_assets.training.runner.merging import merged_model_check
from rl_assets.training.runner.progress import Progress, loss_curve, progress_callback
from rl_assets.training.runner.suspects import RecentBatches
from rl_assets.training.trainers.arguments import shared_out, stage_arguments

Measured = dict[str, Any]
Log = Callable[[str], None]
REWARD = "reward"


@dataclass(frozen=True)
class Job:
    """One adapter to be trained, and the folder it goes to; `dataset` is the dataset's manifest."""

    inputs: AdapterInputs
    folder: Path
    day: str
    dataset: dict[str, Any]
    base: BaseModel
    parent: Adapter | None
    recipe: Recipe
    log: Log

    def existing(self) -> Adapter | None:
        """The adapter of these inputs where there is one already, now also used for the job's day."""
        found = existing_adapter(self.folder, self.inputs.kind, self.day)
        if found:
            self.log(f"{self.inputs.kind}: {self.folder.name} has these inputs already, nothing was trained")
        return found

    def begin(self) -> Any:
        """Prepare this process for the training; the base model's tokenizer."""
        start(offline=True, seed=self.recipe.seed)
        return load_tokenizer(self.base)


def plan(
    kind: str,
    dataset: Path,
    day: str,
    base: BaseModel,
    parent: Adapter | None,
    recipe: Recipe,
    adapters: Path,
    log: Log,
    reward_model: Adapter | None = None,
) -> Job:
    """The job on a published dataset folder. WrongBaseModelError where the parent is an adapter of another base."""
    if parent is not None:
        require_same_base(base, parent)
    published = read_dataset_manifest(dataset)
    inputs = AdapterInputs(
        kind=kind,
        base_name=base.name,
        base_sha256=base.sha256,
        parent_sha256=parent.sha256 if parent else None,
        dataset_name=published["name"],
        dataset_sha256=published["sha256"],
        reward_model_sha256=reward_model.sha256 if reward_model else None,
        recipe_hash=recipe_hash(recipe, kind),
        seed=recipe.seed,
        training_version=TRAINING_VERSION,
    )
    return Job(inputs, adapters / kind / inputs.hash, day, published, base, parent, recipe, log)


def trainer_arguments(job: Job, stage: StageRecipe) -> dict[str, Any]:
    """Keyword arguments of a TRL configuration; what TRL sets by default and a CPU cannot do is off."""
    gpu = has_gpu()
    values = stage_arguments(stage.model_dump(mode="json"), job.recipe.max_length, job.recipe.seed)
    return values | {
        **shared_out(stage.batch, stage.accumulate, process_count()),
        "output_dir": str(job.folder / CHECKPOINTS),
        "bf16": gpu,
        "use_cpu": not gpu,
        "dataloader_pin_memory": gpu,
        "ddp_find_unused_parameters": False,
        "save_strategy": "steps",
        "save_steps": stage.checkpoint_every,
        "save_total_limit": 2,
    }


def run_trainer(job: Job, trainer: Any, rows: TrainingRows) -> Measured:
    """Train to the end, from the newest whole checkpoint where an earlier run was interrupted; what was measured."""
    from transformers import PrinterCallback

    progress = Progress(job.log)
    progress.suspects = RecentBatches(trainer, rows.ids).suspects
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(progress_callback(progress))
    trainer.add_callback(sealing_callback(job.folder / CHECKPOINTS, process_count()))
    checkpoint = newest_whole_checkpoint(job.folder / CHECKPOINTS, job.log, process_count())
    if checkpoint:
        job.log(f"resuming from step {checkpoint_step(checkpoint)}")
    began = time.monotonic()
    with told_when_full(job.folder):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return {
        "steps": trainer.state.global_step,
        "resumed_from_step": checkpoint_step(checkpoint) if checkpoint else None,
        "tokens": progress.tokens,
        "wall_s": round(time.monotonic() - began, 3),
        "device": device_name(),
        "peak_memory_bytes": peak_memory_bytes(),
        "loss_curve": loss_curve(trainer.state.log_history),
    }


def publish_adapter(job: Job, model: Any, rows: TrainingRows, measured: Measured, checks: list[Check]) -> Adapter:
    """The adapter, written by the main process, for which others that train with it wait, and read by those."""
    from accelerate import PartialState

    with PartialState().main_process_first(), told_when_full(job.folder):
        if is_main_process():
            return _write_adapter(job, model, rows, measured, checks)
        return read_adapter(job.folder)


def _write_adapter(job: Job, model: Any, rows: TrainingRows, measured: Measured, checks: list[Check]) -> Adapter:
    """Write weights, configuration, card and, last, the manifest."""
    checks = [*checks, weights_reload_check(_save_weights(model, job.folder))]
    if job.inputs.kind != REWARD:
        checks.append(merged_model_check(model, load_tokenizer(job.base), rows))
    manifest = measured | {
        "kind": job.inputs.kind,
        "day": job.day,
        "base": {"name": job.base.name, "sha256": job.base.sha256},
        "parent": {"inputs_hash": job.parent.inputs_hash, "sha256": job.parent.sha256} if job.parent else None,
        "dataset": {key: job.dataset[key] for key in ("name", "day", "sha256")} | rows.counts(),
        "recipe": job.recipe.model_dump(mode="json"),
        "recipe_hash": job.inputs.recipe_hash,
        "seed": job.inputs.seed,
        "training_version": job.inputs.training_version,
        "versions": library_versions(),
        "checks": {item["name"]: item for item in checks},
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (job.folder / "README.md").write_text(model_card(manifest), encoding="utf-8")
    return publish(job.folder, manifest)


def _save_weights(model: Any, folder: Path) -> float:
    """Save the trained adapter alone; the largest difference between what is on disk and what is in memory."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import load_file

    model.save_pretrained(folder, selected_adapters=["default"])
    saved = load_file(folder / WEIGHTS)
    held = get_peft_model_state_dict(model, adapter_name="default")
    return max((saved[name] - held[name].cpu()).abs().max().item() for name in held)
