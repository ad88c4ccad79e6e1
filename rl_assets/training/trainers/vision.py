"""Supervised fine-tuning of a LoRA adapter on a vision-language model with TRL: images, questions and answers.

The loss is that of `sft.py`; tokens of images and questions do not count. Simplified: the vision tower is adapted
like the rest, with one rate and rank. Run on a CPU with a tiny model; not yet run on a GPU.
"""

from dataclasses import replace
from typing import Any

from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.vision import load_processor, load_vision_model
from rl_assets.training.data.audit import audit_end_of_turn
from rl_assets.training.data.rows import TrainingRows
from rl_assets.training.data.vision_rows import collator, fitting_rows, read_vision_rows
from rl_assets.training.runner.checks import loss_fell_check
from rl_assets.training.runner.run import Trained, TrainingRun, run_trainer, trainer_arguments
from rl_assets.training.trainers.sft import lora_config


def train_vision(run: TrainingRun) -> Trained:
    """Train a new adapter on a vision-language model; the dataset has the columns `messages` and `images`.

    Raises NotEnoughRows, UntrainableRows, TrainingDiverged, NotAVisionModelError.
    """
    job = run.job
    processor, model = load_processor(job.base, job.recipe.chat_template), load_vision_model(job.base, job.recipe)
    rows, trained = fitting_rows(read_vision_rows(job.dataset, job.recipe), job.dataset, job.recipe, processor)
    audited = audit_end_of_turn(trained, end_of_turn_ids(processor.tokenizer, model))
    run.log(f"vision: {len(rows.rows)} images, dropped {dict(rows.dropped)}, into {run.folder.name}")
    trainer = _trainer(run, model, processor, rows)
    metrics = run_trainer(run, trainer, rows)
    checks = [audited, loss_fell_check(metrics.loss_curve)]
    return Trained(trainer.model, _without_images(rows), metrics, checks, {})


def _trainer(run: TrainingRun, model: Any, processor: Any, rows: TrainingRows) -> Any:
    from datasets import Dataset, Features, Image, List, Value
    from trl import SFTConfig, SFTTrainer

    messages = List({"role": Value("string"), "content": Value("string")})
    features = Features({"prompt": messages, "completion": messages, "images": List(Image())})
    # Cutting a row would cut its image's tokens: rows that are too long have been dropped.
    arguments = trainer_arguments(run, run.job.recipe.sft) | {"max_length": None}
    return SFTTrainer(
        model=model,
        args=SFTConfig(**arguments, completion_only_loss=True),
        train_dataset=Dataset.from_list(rows.rows, features=features),
        processing_class=processor,
        data_collator=collator(processor),
        peft_config=lora_config(run.job.recipe.lora),
    )


def _without_images(rows: TrainingRows) -> TrainingRows:
    """The rows' texts as parts, the form that chat templates of such models take: merging is checked on these."""
    plain = [
        {side: [_as_parts(message) for message in row[side]] for side in ("prompt", "completion")} for row in rows.rows
    ]
    return replace(rows, rows=plain)


def _as_parts(message: dict[str, str]) -> dict[str, Any]:
    return {"role": message["role"], "content": [{"type": "text", "text": message["content"]}]}
