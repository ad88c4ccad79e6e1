"""Supervised fine-tuning of a LoRA adapter with TRL on the day's SFT dataset.

The loss is the mean negative log-likelihood of the answers' tokens, end of turn included, in nats per token; prompts do
not count. Low-rank adaptation: Hu et al. 2021 (arXiv:2106.09685). Simplified: of a conversation the last answer alone
is trained, the earlier ones are context.
"""

from typing import Any, Literal

from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.loading import load_base, load_tokenizer
from rl_assets.recipes.stages import LoraRecipe
from rl_assets.training.data.audit import audit_end_of_turn, trained_tokens
from rl_assets.training.data.rows import TrainingRows, sft_rows
from rl_assets.training.data.tokenized import answer_columns
from rl_assets.training.runner.checks import loss_fell_check
from rl_assets.training.runner.run import Trained, TrainingRun, run_trainer, trainer_arguments


def train_sft(run: TrainingRun) -> Trained:
    """Train a new adapter on the base model. Raises NotEnoughRows, UntrainableRows, TrainingDiverged."""
    job = run.job
    tokenizer = load_tokenizer(job.base, job.recipe.chat_template)
    rows = sft_rows(job.dataset, job.recipe, tokenizer)
    run.log(f"sft: {len(rows.rows)} rows, dropped {dict(rows.dropped)}, into {run.folder.name}")
    trainer = _trainer(run, tokenizer, rows)
    stops = end_of_turn_ids(tokenizer, trainer.model)
    audited = audit_end_of_turn(trained_tokens(trainer.train_dataset["labels"]), stops)
    metrics = run_trainer(run, trainer, rows)
    return Trained(trainer.model, rows, metrics, [audited, loss_fell_check(metrics.loss_curve)], {})


def _trainer(run: TrainingRun, tokenizer: Any, rows: TrainingRows) -> Any:
    from trl import SFTConfig, SFTTrainer

    job, stage = run.job, run.job.recipe.sft
    arguments = trainer_arguments(run, stage) | sft_arguments(stage.model_dump(mode="json"), job.recipe.max_length)
    return SFTTrainer(
        model=load_base(job.base, job.recipe.quantization, run.log),
        args=SFTConfig(**arguments, dataset_kwargs={"skip_prepare_dataset": True}),
        train_dataset=answer_columns(rows, tokenizer),
        processing_class=tokenizer,
        peft_config=lora_config(job.recipe.lora),
    )


def sft_arguments(stage: dict[str, Any], max_length: int) -> dict[str, Any]:
    """Of a SftRecipe's values those that TRL's trainer takes besides `stage_arguments`."""
    return {
        "completion_only_loss": True,
        "train_sampling_strategy": stage["train_sampling_strategy"],
        "padding_free": stage["padding_free"],
        # Rows that are too long have been dropped or cut, and TRL rejects a limit if nothing is padded.
        "max_length": None if stage["padding_free"] else max_length,
    }


def lora_config(lora: LoraRecipe, task: Literal["CAUSAL_LM", "SEQ_CLS"] = "CAUSAL_LM") -> Any:
    """PEFT's configuration of a recipe's LoRA part; a classifier's output layer is trained in full."""
    from peft import LoraConfig

    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.lora_alpha,
        lora_dropout=lora.lora_dropout,
        target_modules=lora.target_modules if isinstance(lora.target_modules, str) else list(lora.target_modules),
        task_type=task,
        modules_to_save=["score"] if task == "SEQ_CLS" else None,
    )
