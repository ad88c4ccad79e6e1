"""A pairwise reward model with TRL: LoRA on a sequence classifier, measured on held-out pairs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.reward_scoring import load_classifier, scores
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.data.rows import NotEnoughRows, Row, pair_rows
from rl_assets.training.runner.checks import beats_longer_wins_check, loss_fell_check
from rl_assets.training.runner.run import REWARD, Job, plan, publish_adapter, run_trainer, trainer_arguments
from rl_assets.training.trainers.sft import lora_config

SIDES = ("chosen", "rejected")


def train_reward(
    dataset: Path, day: str, base: BaseModel, recipe: Recipe, adapters: Path, log: Callable[[str], None]
) -> Adapter:
    """The reward model of these inputs: found, resumed or trained anew. NotEnoughRows for its held-out pairs too."""
    job = plan(REWARD, dataset, day, base, None, recipe, adapters, log)
    if found := job.existing():
        return found
    tokenizer = job.begin()
    rows = pair_rows(dataset, recipe, tokenizer, recipe.min_rows_reward)
    held_out = held_out_pairs(dataset, recipe, tokenizer)
    log(f"reward model: {len(rows.rows)} pairs, {len(held_out)} held out, into {job.folder.name}")
    trainer = _trainer(job, tokenizer, rows.rows)
    measured = run_trainer(job, trainer, rows)
    figures = {
        "pairs": len(held_out),
        "accuracy": _accuracy(trainer.model, tokenizer, held_out),
        "longer_wins": longer_wins(held_out),
    }
    checks = [
        loss_fell_check(measured["loss_curve"]),
        beats_longer_wins_check(figures["accuracy"], figures["longer_wins"], len(held_out)),
    ]
    return publish_adapter(job, trainer.model, rows, measured | {"held_out": figures}, checks)


def held_out_pairs(dataset: Path, recipe: Recipe, tokenizer: Any) -> list[Row]:
    """Pairs of the validation and test splits; NotEnoughRows where they are fewer than the recipe asks for."""
    found = [pair for split in ("validation", "test") for pair in pair_rows(dataset, recipe, tokenizer, 0, split).rows]
    if len(found) < recipe.reward.min_held_out:
        raise NotEnoughRows(len(found), recipe.reward.min_held_out, f"validation and test of {dataset}", {})
    return found


def longer_wins(pairs: list[Row]) -> float:
    """Accuracy of preferring the longer answer in characters; equal lengths count half."""
    sides = [(len(pair["chosen"][-1]["content"]), len(pair["rejected"][-1]["content"])) for pair in pairs]
    return sum((chosen > rejected) + 0.5 * (chosen == rejected) for chosen, rejected in sides) / len(sides)


def _accuracy(model: Any, tokenizer: Any, pairs: list[Row]) -> float:
    """Share of pairs whose chosen answer has the higher reward."""
    training = model.training
    model.eval()
    chosen, rejected = (scores(model, tokenizer, [p["prompt"] + p[side] for p in pairs]) for side in SIDES)
    model.train(training)
    return sum(c > r for c, r in zip(chosen, rejected, strict=True)) / len(pairs)


def _trainer(job: Job, tokenizer: Any, rows: list[Row]) -> Any:
    from datasets import Dataset
    from trl import RewardConfig, RewardTrainer

    return RewardTrainer(
        model=load_classifier(job.base),
        args=RewardConfig(
            **trainer_arguments(job, job.recipe.reward), center_rewards_coefficient=job.recipe.reward.centring
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=lora_config(job.recipe.lora, "SEQ_CLS"),
    )
