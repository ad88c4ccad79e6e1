"""Supervised fine-tuning of a LoRA adapter with TRL on the day's SFT dataset."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import load_for_training
from rl_assets.recipes.recipe import Recipe
from rl_assets.recipes.stages import LoraRecipe
from rl_assets.training.data.audit import audit_trained_tokens, end_of_turn_ids
from rl_assets.training.data.rows import TrainingRows, sft_rows
from rl_assets.training.data.tokenized import answer_columns
from rl_assets.training.runner.checks import loss_fell_check, trained_tokens_check
from rl_assets.training.runner.run import Job, plan, publish_adapter, run_trainer, trainer_arguments
from rl_assets.training.trainers.arguments import sft_arguments


def train_sft(
    dataset: Path, day: str, base: BaseModel, recipe: Recipe, adapters: Path, log: Callable[[str], None]
) -> Adapter:
    """The SFT adapter of these inputs: the one that exists, the rest of an interrupted run, or a new one.

    `dataset` is a published dataset folder. Raises NotEnoughRows, UntrainableRows, TrainingDiverged.
    """
    job = plan("sft", dataset, day, base, None, recipe, adapters, log)
    if found := job.existing():
        return found
    tokenizer = job.begin()
    rows = sft_rows(dataset, recipe, tokenizer)
    log(f"sft: {len(rows.rows)} rows, dropped {dict(rows.dropped)}, into {job.folder.name}")
    trainer = _trainer(job, tokenizer, rows)
    trained = ([token for token in labels if token >= 0] for labels in trainer.train_dataset["labels"])
    audited = audit_trained_tokens(trained, end_of_turn_ids(tokenizer, trainer.model))
    measured = run_trainer(job, trainer, rows)
    checks = [trained_tokens_check(audited), loss_fell_check(measured["loss_curve"])]
    return publish_adapter(job, trainer.model, rows, measured, checks)


def _trainer(job: Job, tokenizer: Any, rows: TrainingRows) -> Any:
    from trl import SFTConfig, SFTTrainer

    return SFTTrainer(
        model=load_for_training(job.base, job.recipe.quantization, job.log),
        args=SFTConfig(
            **trainer_arguments(job, job.recipe.sft)
            | sft_arguments(job.recipe.sft.model_dump(mode="json"), job.recipe.max_length),
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        train_dataset=answer_columns(rows, tokenizer),
        processing_class=tokenizer,
        peft_config=lora_config(job.recipe.lora),
    )


def lora_config(lora: LoraRecipe, task: Literal["CAUSAL_LM", "SEQ_CLS"] = "CAUSAL_LM") -> Any:
    """PEFT's configuration of a recipe's LoRA part; a classifier's output layer is trained whole."""
    from peft import LoraConfig

    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules if isinstance(lora.target_modules, str) else list(lora.target_modules),
        task_type=task,
        modules_to_save=["score"] if task == "SEQ_CLS" else None,
    )
