"""How logged answers are trained on: TRL's supervised trainer with a loss that is weighted or clipped.

The text of this module is part of training scripts, so it needs `logged_losses` alone.
"""

from typing import Any

from rl_assets.training.trainers.logged_losses import Clipping, advantage_weight, clipped_token_loss

EXTRA = ("advantage", "logged_logps")


def build_logged_trainer(
    model: Any, arguments: dict[str, Any], rows: list[dict[str, Any]], tokenizer: Any, recipe: Any
) -> Any:
    """The trainer of the way that `recipe` (a GrpoRecipe or its values) names, for {prompt, completion, advantage}."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer
    from trl.trainer.utils import disable_dropout_in_model

    if recipe.way == "clipped":
        disable_dropout_in_model(model)  # Noise of its own would move the ratio that is clipped.
    kind: Any = SFTTrainer if recipe.way == "raft" else logged_trainer_class()
    trainer = kind(
        model=model,
        args=SFTConfig(**arguments, completion_only_loss=True),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    if recipe.way != "raft":
        trainer.recipe = recipe
        trainer.data_collator = LoggedCollator(trainer.data_collator)
    if recipe.way == "clipped":
        logged = [list(map(float, row)) for row in token_log_probabilities(trainer, len(rows))]
        trainer.train_dataset = trainer.train_dataset.add_column("logged_logps", logged)
    return trainer


def token_log_probabilities(trainer: Any, count: int) -> list[Any]:
    """Log-probabilities of the first rows' answer tokens, one tensor of shape (row's tokens - 1,) each, dropout off.

    Tokens of the prompt have 0.
    """
    import torch

    names = ("input_ids", "labels")
    examples = [{name: trainer.train_dataset[at][name] for name in names} for at in range(count)]
    size, training = trainer.args.per_device_train_batch_size, trainer.model.training
    collate = getattr(trainer.data_collator, "inner", trainer.data_collator)
    trainer.model.eval()
    found: list[Any] = []
    with torch.no_grad(), trainer.accelerator.autocast():
        for start in range(0, count, size):
            some = examples[start : start + size]
            batch = {name: value.to(trainer.model.device) for name, value in collate(some).items()}
            output = trainer.model(**batch, use_cache=False, fused_lm_head=True)
            lengths = (len(example["input_ids"]) - 1 for example in some)
            found += [row[:length].float().cpu() for row, length in zip(output.log_probs, lengths, strict=True)]
    trainer.model.train(training)
    return found


class LoggedCollator:
    """The trainer's own collator, with advantages and logged log-probabilities beside the tokens."""

    def __init__(self, inner: Any):
        self.inner = inner

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        import torch
        from torch.nn.utils.rnn import pad_sequence

        batch = self.inner([{key: row[key] for key in row if key not in EXTRA} for row in examples])
        batch["advantage"] = torch.tensor([row["advantage"] for row in examples])
        if "logged_logps" in examples[0]:
            logged = [torch.tensor(row["logged_logps"]) for row in examples]
            batch["logged_logps"] = pad_sequence(logged, batch_first=True)
        return batch


def logged_trainer_class() -> Any:
    """A trainer with an attribute `recipe` (way, temperature, epsilons, beta, drift) that decides its loss."""
    from trl import SFTTrainer

    class LoggedTrainer(SFTTrainer):
        recipe: Any

        def _set_signature_columns_if_needed(self):
            super()._set_signature_columns_if_needed()
            columns: Any = vars(self)["_signature_columns"]
            vars(self)["_signature_columns"] = [*columns, *(name for name in EXTRA if name not in columns)]

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            extra = {name: inputs.pop(name) for name in EXTRA if name in inputs}
            policy = model(**inputs, use_cache=False, fused_lm_head=True).log_probs
            mask = inputs["labels"][:, 1:] != -100
            losses = token_losses(self.recipe, policy, mask, extra)
            self._total_train_tokens += int(self.accelerator.gather(inputs["attention_mask"].sum()).sum())
            self._metrics["train"]["num_tokens"] = [self._total_train_tokens]
            # Tokens are counted over all processes and their gradients averaged.
            return losses.sum() / num_items_in_batch * self.accelerator.num_processes

    return LoggedTrainer


def token_losses(recipe: Any, policy: Any, mask: Any, extra: dict[str, Any]) -> Any:
    """Loss of every token; `policy` holds their log-probabilities and `mask` those of answers, (rows, tokens) each."""
    if recipe.way == "clipped":
        clipping = Clipping(recipe.epsilon_low, recipe.epsilon_high, recipe.beta, recipe.drift)
        return clipped_token_loss(policy, extra["logged_logps"], mask, extra["advantage"], clipping)
    weights = [advantage_weight(float(a), recipe.temperature, recipe.largest_weight) for a in extra["advantage"]]
    return -policy * policy.new_tensor(weights)[:, None]
