"""Supervised fine-tuning of a LoRA adapter on a vision-language model with TRL: pictures, questions and answers.

Run on a CPU with a tiny model; not yet run on a GPU.
"""

from pathlib import Path
from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.runtime import start
from rl_assets.models.vision import load_processor, load_vision_model
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.data.audit import audit_trained_tokens, end_of_turn_ids
from rl_assets.training.data.rows import TrainingRows
from rl_assets.training.data.vision_rows import collator, fitting_rows, read_vision_rows
from rl_assets.training.runner.checks import loss_fell_check, trained_tokens_check
from rl_assets.training.runner.run import Job, Log, plan, publish_adapter, run_trainer, trainer_arguments
from rl_assets.training.trainers.sft import lora_config


def train_vision(dataset: Path, day: str, base: BaseModel, recipe: Recipe, adapters: Path, log: Log) -> Adapter:
    """The SFT adapter of these inputs on the vision-language model `base`: found, resumed or trained anew.

    `dataset` is a published dataset folder with the columns `messages` and `images`. Raises NotEnoughRows,
    UntrainableRows, TrainingDiverged, NotAVisionModelError.
    """
    job = plan("sft", dataset, day, base, None, recipe, adapters, log)
    if found := job.existing():
        return found
    start(offline=True, seed=recipe.seed)
    processor, model = load_processor(base), load_vision_model(base, recipe)
    read = read_vision_rows(dataset, recipe)
    rows, trained = fitting_rows(read, dataset, recipe, processor)
    audited = audit_trained_tokens(trained, end_of_turn_ids(processor.tokenizer, model))
    log(f"vision: {len(rows.rows)} pictures, dropped {dict(rows.dropped)}, into {job.folder.name}")
    trainer = _trainer(job, model, processor, rows)
    measured = run_trainer(job, trainer, rows)
    checks = [trained_tokens_check(audited), loss_fell_check(measured["loss_curve"])]
    return publish_adapter(job, trainer.model, _without_pictures(rows), measured, checks)


def _trainer(job: Job, model: Any, processor: Any, rows: TrainingRows) -> Any:
    from datasets import Dataset, Features, Image, List, Value
    from trl import SFTConfig, SFTTrainer

    messages = List({"role": Value("string"), "content": Value("string")})
    features = Features({"prompt": messages, "completion": messages, "images": List(Image())})
    arguments = trainer_arguments(job, job.recipe.sft) | {"max_length": None}
    return SFTTrainer(
        model=model,
        # Cutting a row would cut its picture's tokens: rows that are too long have been dropped.
        args=SFTConfig(**arguments, completion_only_loss=True),
        train_dataset=Dataset.from_list(rows.rows, features=features),
        processing_class=processor,
        data_collator=collator(processor),
        peft_config=lora_config(job.recipe.lora),
    )


def _without_pictures(rows: TrainingRows) -> TrainingRows:
    """The rows' texts as parts, the form that chat templates of such models take: merging is checked on these."""
    plain = [
        {side: [_as_parts(message) for message in row[side]] for side in ("prompt", "completion")} for row in rows.rows
    ]
    return TrainingRows(plain, rows.ids, rows.dropped, rows.cut)


def _as_parts(message: dict[str, str]) -> dict[str, Any]:
    return {"role": message["role"], "content": [{"type": "text", "text": message["content"]}]}
