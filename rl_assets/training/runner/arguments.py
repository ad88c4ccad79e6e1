"""A stage's recipe as keyword arguments of a TRL configuration: what decides the weights, whatever the machine."""

import math
from typing import Any

# Recipe keys that transformers' TrainingArguments know by the same name.
SAME_NAMES = (
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "gradient_accumulation_steps",
    "num_train_epochs",
    "max_grad_norm",
    "optim",
    "gradient_checkpointing",
)


def stage_arguments(stage: dict[str, Any], max_length: int, seed: int) -> dict[str, Any]:
    """`stage` holds a StageRecipe's values. What TRL sets by default and would surprise is set here."""
    return {name: stage[name] for name in SAME_NAMES} | {
        "per_device_train_batch_size": stage["effective_batch_size"] // stage["gradient_accumulation_steps"],
        "max_steps": stage["max_steps"] or -1,
        "max_length": max_length,
        "seed": seed,
        "data_seed": seed,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "report_to": [],
    }


def split_batch(effective_batch_size: int, gradient_accumulation_steps: int, processes: int) -> dict[str, int]:
    """The effective batch over `processes`: fewer accumulated batches first, then smaller ones.

    ValueError if it cannot be divided.
    """
    fewer = math.gcd(gradient_accumulation_steps, processes)
    accumulated = gradient_accumulation_steps // fewer
    if effective_batch_size % (accumulated * processes):
        raise ValueError(
            f"effective_batch_size {effective_batch_size} in {accumulated} accumulated steps cannot be divided over "
            f"{processes} processes: make the recipe's effective_batch_size a multiple of {accumulated * processes}"
        )
    return {
        "per_device_train_batch_size": effective_batch_size // (accumulated * processes),
        "gradient_accumulation_steps": accumulated,
    }
