"""TRL's supervised trainer for offline data: logged answers whose every token has a loss of the method's own.

The text of this module is part of training scripts, so it needs nothing of this project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

# Columns besides the tokens: the answer's advantage, and the reference's log-probability of each token.
EXTRA = ("advantage", "reference_logps")


def build_offline_trainer(
    model: Any, arguments: dict[str, Any], rows: list[dict[str, Any]], tokenizer: Any, token_loss: Any = None
) -> Any:
    """The trainer for {prompt, completion, advantage} rows.

    `token_loss(policy, mask, extra)` gives the loss of every token, in nats: `policy` holds their log-probabilities and
    `mask` is true for those of answers, (rows, tokens) each; `extra` holds the columns EXTRA. None: likelihood.
    """
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    trainer_class: Any = SFTTrainer if token_loss is None else offline_trainer_class()
    trainer = trainer_class(
        model=model,
        args=SFTConfig(**arguments, completion_only_loss=True),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    if token_loss is not None:
        trainer.token_loss = token_loss
        trainer.data_collator = OfflineCollator(trainer.data_collator)
    return trainer


def token_log_probabilities(trainer: Any, count: int, report: Any = None) -> list[Float[Tensor, " tokens"]]:
    """Log-probabilities of the first rows' answer tokens in nats, dropout off; of tokens of the prompt 0.

    One tensor per row, one shorter than its tokens: the first is predicted by none. `report` is told how many are done.
    """
    import torch

    names = ("input_ids", "labels")
    examples = [{name: trainer.train_dataset[at][name] for name in names} for at in range(count)]
    size, training = trainer.args.per_device_train_batch_size, trainer.model.training
    collate = getattr(trainer.data_collator, "inner", trainer.data_collator)
    trainer.model.eval()
    computed: list[Any] = []
    with torch.no_grad(), trainer.accelerator.autocast():
        for start in range(0, count, size):
            some = examples[start : start + size]
            batch = {name: value.to(trainer.model.device) for name, value in collate(some).items()}
            output = trainer.model(**batch, use_cache=False, fused_lm_head=True)
            lengths = (len(example["input_ids"]) - 1 for example in some)
            computed += [row[:length].float().cpu() for row, length in zip(output.log_probs, lengths, strict=True)]
            if report is not None:
                report(len(computed))
    trainer.model.train(training)
    return computed


class OfflineCollator:
    """The trainer's own collator, with the columns EXTRA alongside the tokens."""

    def __init__(self, inner: Any):
        self.inner = inner

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        import torch
        from torch.nn.utils.rnn import pad_sequence

        batch: dict[str, Any] = self.inner([{key: row[key] for key in row if key not in EXTRA} for row in examples])
        batch["advantage"] = torch.tensor([row["advantage"] for row in examples])
        if "reference_logps" in examples[0]:
            reference = [torch.tensor(row["reference_logps"]) for row in examples]
            batch["reference_logps"] = pad_sequence(reference, batch_first=True)
        return batch


def offline_trainer_class() -> Any:
    """TRL's supervised trainer with an attribute `token_loss` in place of its own loss."""
    from trl import SFTTrainer

    class OfflineTrainer(SFTTrainer):
        token_loss: Any

        def _set_signature_columns_if_needed(self) -> None:
            super()._set_signature_columns_if_needed()
            columns: Any = vars(self)["_signature_columns"]
            vars(self)["_signature_columns"] = [*columns, *(name for name in EXTRA if name not in columns)]

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            extra = {name: inputs.pop(name) for name in EXTRA if name in inputs}
            policy = model(**inputs, use_cache=False, fused_lm_head=True).log_probs
            mask = inputs["labels"][:, 1:] != -100
            losses = self.token_loss(policy, mask, extra)
            self._total_train_tokens += int(self.accelerator.gather(inputs["attention_mask"].sum()).sum())
            self._metrics["train"]["num_tokens"] = [self._total_train_tokens]
            # Tokens are counted over all processes and their gradients averaged.
            return losses.sum() / num_items_in_batch * self.accelerator.num_processes

    return OfflineTrainer
