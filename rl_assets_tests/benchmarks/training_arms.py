"""One arm of the training benchmark, in a process of its own: `... .benchmarks.training_arms <arm> <folder>`.

The folder holds the job; what it took is written beside it.
"""

import statistics
import sys
import time
from pathlib import Path
from typing import Any

from rl_assets.core.files import write_json
from rl_assets.models.adapters import Adapter
from rl_assets.models.runtime import peak_memory_bytes, start
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.job import TrainingJob, job_from_json
from rl_assets.training.runner.arguments import stage_arguments
from rl_assets.training.train import train_in_this_process
from rl_assets.training.trainers.dpo import dpo_arguments
from rl_assets.training.trainers.pair_trainer import pair_trainer_class
from rl_assets.training.trainers.sft import sft_arguments

ARMS = ("ours", "bare", "defaults", "spinning")
JOB, OUTCOME = "job.json", "outcome.json"
CPU = {"use_cpu": True, "bf16": False, "dataloader_pin_memory": False, "report_to": [], "disable_tqdm": True}


def train_ours(job: TrainingJob) -> Adapter:
    return train_in_this_process(job, lambda line: None)


def train_bare(job: TrainingJob, defaults: bool) -> Any:
    """The shortest TRL script for the job's rows; the trainer."""
    from peft import LoraConfig, PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    recipe, kind = job.recipe, job.kind
    stage = getattr(recipe, kind).model_dump(mode="json")
    arguments = _default_arguments(stage, recipe) if defaults else _our_arguments(stage, recipe, kind)
    arguments |= {**CPU, "output_dir": str(job.adapters / "trainer"), "save_strategy": "no"}
    tokenizer = AutoTokenizer.from_pretrained(job.base.path)
    model = AutoModelForCausalLM.from_pretrained(job.base.path)
    data = _rows(job)
    if kind == "sft":
        lora = LoraConfig(
            r=recipe.lora.r, lora_alpha=recipe.lora.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        trainer: Any = SFTTrainer(
            model, SFTConfig(**arguments), train_dataset=data, processing_class=tokenizer, peft_config=lora
        )
    else:
        assert job.parent is not None
        policy = PeftModel.from_pretrained(model, str(job.parent.folder), is_trainable=True)
        kind_of_trainer = DPOTrainer if defaults else pair_trainer_class()
        trainer = kind_of_trainer(policy, args=DPOConfig(**arguments), train_dataset=data, processing_class=tokenizer)
    trainer.train()
    trainer.model.save_pretrained(job.adapters / "adapter", selected_adapters=["default"])
    return trainer


def _our_arguments(stage: dict[str, Any], recipe: Recipe, kind: str) -> dict[str, Any]:
    shared = stage_arguments(stage, recipe.max_length, recipe.seed)
    if kind == "sft":
        return shared | sft_arguments(stage, recipe.max_length)
    return shared | dpo_arguments(stage, 0)


def _default_arguments(stage: dict[str, Any], recipe: Recipe) -> dict[str, Any]:
    """What decides the result is as with us; the rest is TRL's choice."""
    same = ("per_device_train_batch_size", "learning_rate", "lr_scheduler_type", "warmup_steps", "max_steps", "seed")
    shared = stage_arguments(stage, recipe.max_length, recipe.seed)
    return {name: shared[name] for name in (*same, "max_length", "logging_steps")}


def _rows(job: TrainingJob) -> Any:
    from datasets import Dataset
    from pyarrow import parquet

    rows = parquet.read_table(job.dataset / "train.parquet").to_pylist()
    if job.kind == "sft":
        return Dataset.from_list([{"prompt": r["messages"][:-1], "completion": r["messages"][-1:]} for r in rows])
    return Dataset.from_list([{side: row[side] for side in ("prompt", "chosen", "rejected")} for row in rows])


def run_arm(arm: str, path: Path, outcome: Path) -> None:
    """Run one arm in this process, imports first, and write what it took."""
    job = job_from_json(path.read_bytes())
    if arm != "spinning":
        start(offline=True, seed=job.recipe.seed)
    import datasets
    import peft
    import trl

    assert all((datasets.Dataset, peft.PeftModel, trl.SFTTrainer, trl.DPOTrainer))
    began, worked = time.perf_counter(), time.process_time()
    if arm == "ours":
        losses = [point[1] for point in train_ours(job).manifest.loss_curve]
    else:
        history = train_bare(job, arm in ("defaults", "spinning")).state.log_history
        losses = [entry["loss"] for entry in history if "loss" in entry]
    found = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - worked,
        # Over all steps, which see each row once: batches of like length make any part of a run easier or harder.
        "loss": statistics.fmean(losses),
        "peak": peak_memory_bytes(),
    }
    write_json(outcome, found)


if __name__ == "__main__":
    run_arm(sys.argv[1], Path(sys.argv[2]) / JOB, Path(sys.argv[2]) / OUTCOME)
