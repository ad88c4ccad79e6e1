"""A stage's recipe as keyword arguments of a TRL configuration: what decides the weights, whatever the machine."""

from typing import Any


def stage_arguments(stage: dict[str, Any], max_length: int, seed: int) -> dict[str, Any]:
    """`stage` holds a StageRecipe's values. What TRL sets by default and would surprise is set here."""
    schedule = stage["schedule"]
    return {
        "per_device_train_batch_size": stage["batch"],
        "gradient_accumulation_steps": stage["accumulate"],
        "learning_rate": stage["learning_rate"],
        "lr_scheduler_type": schedule if schedule != "constant" else "constant_with_warmup",
        "warmup_steps": stage["warmup"],
        "num_train_epochs": stage["epochs"],
        "max_steps": stage["max_steps"] or -1,
        "max_grad_norm": stage["max_grad_norm"],
        "optim": stage["optimizer"],
        "gradient_checkpointing": stage["gradient_checkpointing"],
        "max_length": max_length,
        "seed": seed,
        "data_seed": seed,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "report_to": [],
    }
