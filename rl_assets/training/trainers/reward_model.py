"""A pairwise reward model with TRL: LoRA on a sequence classifier, measured on held-out pairs.

Bradley-Terry loss -log sigmoid(r(chosen) - r(rejected)), as in Ouyang et al. 2022 (arXiv:2203.02155), eq. 1, plus
`center_rewards_coefficient` x (r(chosen) + r(rejected))^2, which keeps rewards around 0 (Eisenstein et al. 2023,
arXiv:2312.09244). Simplified: one output and one model, no ensemble; margins between ratings are not used. With
`half`, two models on two halves of the pairs check each other (ensembles: Coste et al. 2023, arXiv:2310.02743).
"""

from typing import Any

from rl_assets.core.files import sha256_json
from rl_assets.metrics.statistics import Interval, interval
from rl_assets.models.loading import load_tokenizer
from rl_assets.models.reward_scoring import load_classifier, score_conversations
from rl_assets.rewards.length_rule import better_rule, rule_is_right
from rl_assets.training.data.rows import HELD_OUT, Row, not_enough_held_out, pair_rows, read_pair_rows
from rl_assets.training.job import TrainingJob
from rl_assets.training.runner.checks import beats_longer_wins_check, loss_fell_check
from rl_assets.training.runner.run import Trained, TrainingRun, run_trainer, trainer_arguments
from rl_assets.training.trainers.sft import lora_config

SIDES = ("chosen", "rejected")


def train_reward_model(run: TrainingRun) -> Trained:
    """Train a new classifier on the base model. Raises NotEnoughRows for its held-out pairs too, TrainingDiverged."""
    job = run.job
    tokenizer = load_tokenizer(job.base, job.recipe.chat_template)
    rows = pair_rows(job.dataset, job.recipe, tokenizer, job.recipe.min_rows_reward, job.recipe.reward.half)
    held_out = held_out_pairs(job, tokenizer)
    run.log(f"reward model: {len(rows.rows)} pairs, {len(held_out)} held out, into {run.folder.name}")
    trainer = _trainer(run, tokenizer, rows.rows)
    metrics = run_trainer(run, trainer, rows)
    right = _is_right(trainer.model, tokenizer, held_out)
    gain, accuracy = gain_over_length(right, held_out, rows.rows), accuracy_on(right, held_out)
    checks = [loss_fell_check(metrics.loss_curve), beats_longer_wins_check(gain)]
    details = {
        "held_out": {
            "pairs": len(held_out),
            "accuracy": accuracy.mean,
            **({} if accuracy.low is None else {"accuracy_low": accuracy.low}),
            "longer_wins": longer_wins(held_out),
            "gain_over_length": gain.mean,
            **({} if gain.low is None or gain.high is None else {"gain_low": gain.low, "gain_high": gain.high}),
        }
    }
    return Trained(trainer.model, rows, metrics, checks, details)


def held_out_pairs(job: TrainingJob, tokenizer: Any) -> list[Row]:
    """Pairs of the validation and test splits; NotEnoughRows if they are fewer than the recipe asks for."""
    splits = [read_pair_rows(job.dataset, job.recipe, tokenizer, split) for split in HELD_OUT]
    pairs = [pair for split in splits for pair in split.rows]
    if len(pairs) < job.recipe.reward.min_held_out:
        raise not_enough_held_out(len(pairs), job.recipe, job.dataset)
    return pairs


def accuracy_on(right: list[float], pairs: list[Row]) -> Interval:
    """The share of held-out pairs on which it is right, with its 95 % interval by prompt."""
    return interval(right, [sha256_json(pair["prompt"]) for pair in pairs], share=True)


def longer_wins(pairs: list[Row]) -> float:
    """Accuracy of preferring the longer answer in characters; equal lengths count half."""
    longer = _longer_is_right(pairs)
    return sum(longer) / len(longer)


def gain_over_length(right: list[float], pairs: list[Row], train: list[Row]) -> Interval:
    """Accuracy minus that of preferring the longer answer or the shorter, whichever is right more often on the training
    pairs; paired, by prompt."""
    by_length = rule_is_right(better_rule(_longer_is_right(train)), _longer_is_right(pairs))
    gains = [model - length for model, length in zip(right, by_length, strict=True)]
    return interval(gains, [sha256_json(pair["prompt"]) for pair in pairs], against_zero=True)


def _longer_is_right(pairs: list[Row]) -> list[float]:
    """For each pair whether its chosen answer is the longer one in characters; 0.5 for equal lengths."""
    sides = [(len(pair["chosen"][-1]["content"]), len(pair["rejected"][-1]["content"])) for pair in pairs]
    return [(chosen > rejected) + 0.5 * (chosen == rejected) for chosen, rejected in sides]


def _is_right(model: Any, tokenizer: Any, pairs: list[Row]) -> list[float]:
    """For each pair 1 if its chosen answer has the higher reward, 0.5 for a tie, else 0."""
    training = model.training
    model.eval()
    chosen, rejected = (
        score_conversations(model, tokenizer, [pair["prompt"] + pair[side] for pair in pairs]) for side in SIDES
    )
    model.train(training)
    return [(c > r) + 0.5 * (c == r) for c, r in zip(chosen, rejected, strict=True)]


def _trainer(run: TrainingRun, tokenizer: Any, rows: list[Row]) -> Any:
    from datasets import Dataset
    from trl import RewardConfig, RewardTrainer

    job, stage = run.job, run.job.recipe.reward
    return RewardTrainer(
        model=load_classifier(job.base),
        args=RewardConfig(**trainer_arguments(run, stage), center_rewards_coefficient=stage.center_rewards_coefficient),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=lora_config(job.recipe.lora, "SEQ_CLS"),
    )
