"""A stage's recipe as keyword arguments of a TRL configuration: what decides the weights, whatever the machine."""

import math
from typing import Any


def shared_out(batch: int, accumulate: int, processes: int) -> dict[str, int]:
    """The recipe's effective batch over `processes`: fewer accumulated batches first, then smaller ones.

    ValueError where it cannot be divided.
    """
    fewer = math.gcd(accumulate, processes)
    smaller = processes // fewer
    if batch % smaller:
        raise ValueError(
            f"the effective batch of {batch} x {accumulate} cannot be divided over {processes} processes: "
            "make the recipe's batch or accumulate a multiple of their number"
        )
    return {
        "per_device_train_batch_size": batch // smaller,
        "gradient_accumulation_steps": accumulate // fewer,
    }


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


def sft_arguments(stage: dict[str, Any], max_length: int) -> dict[str, Any]:
    """Of a SftRecipe's values those that TRL's trainer takes beside `stage_arguments`."""
    return {
        "completion_only_loss": True,
        "train_sampling_strategy": stage["sampling"],
        "padding_free": stage["padding_free"],
        # Rows that are too long have been dropped or cut, and TRL refuses a limit where nothing is padded.
        "max_length": None if stage["padding_free"] else max_length,
    }


def dpo_arguments(stage: dict[str, Any]) -> dict[str, Any]:
    """Of a DpoRecipe's values those that TRL's trainer takes beside `stage_arguments`."""
    return {
        "beta": stage["beta"],
        "loss_type": list(stage["loss"]),
        "precompute_ref_log_probs": stage["precompute_reference"],
        "train_sampling_strategy": stage["sampling"],
    }


def online_arguments(stage: dict[str, Any]) -> dict[str, Any]:
    """Of a GrpoRecipe's values those that TRL's online trainer takes beside `stage_arguments` (but for `max_length`).

    Several rewards are normalised each within its group, then summed (GDPO, as TRL implements it); one alone is not
    divided by its deviation (arXiv:2503.20783).
    """
    several = len(stage["rewards"]) > 1
    return {
        "num_generations": stage["group_size"],
        "max_completion_length": stage["max_completion"],
        "beta": stage["beta"],
        "epsilon": stage["epsilon_low"],
        "epsilon_high": stage["epsilon_high"],
        "entropy_coef": stage["entropy_coef"],
        "scale_rewards": "group" if several else "none",
        "multi_objective_aggregation": "normalize_then_sum" if several else "sum_then_normalize",
    }
