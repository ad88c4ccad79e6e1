"""Where a preference trainer's policy stands against its reference, computed on real pairs without training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rl_assets.training.trainers.pair_trainer import pair_length

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

SAMPLE_PAIRS = 32
# A short training is not to take less time than what it is measured on.
MIN_SAMPLE_PAIRS = 8
SAMPLED_SHARE = 1 / 4
# Sums over some hundred tokens in float32 differ by less than this, in nats, if their batches differ.
TIE = 1e-3


@dataclass(frozen=True)
class PreferenceSample:
    """Means over the first pairs of the training data: 32, or a quarter of what a short training sees.

    loss: sigmoid preference loss; margin: beta x (log-ratio of chosen - of rejected); accuracy: share of pairs with a
    margin above 0, where a tie counts half; chosen_per_token: log-probability of the chosen answers in nats per token.
    """

    pairs: int
    loss: float
    margin: float
    accuracy: float
    chosen_per_token: float

    def summary(self) -> dict[str, float]:
        """The means alone."""
        return {name: value for name, value in asdict(self).items() if name != "pairs"}


def preference_sample(trainer: Any) -> PreferenceSample:
    """Measure a DPO trainer's policy against the reference that its loss uses, dropout off.

    The loss is -log sigmoid(beta x margin) of Rafailov et al. 2023 (arXiv:2305.18290), eq. 7.
    """
    import torch

    training = trainer.model.training
    trainer.model.eval()
    size = trainer.args.per_device_train_batch_size
    count = min(_sample_size(trainer.args), len(trainer.train_dataset))
    rows = sorted((trainer.train_dataset[at] for at in range(count)), key=lambda row: pair_length(row)["length"])
    batches = [_measure(trainer, rows[start : start + size]) for start in range(0, count, size)]
    trainer.model.train(training)
    delta, chosen, tokens = (torch.cat(column) for column in zip(*batches, strict=True))
    margin = trainer.beta * delta
    return PreferenceSample(
        pairs=count,
        loss=-torch.nn.functional.logsigmoid(margin).mean().item(),
        margin=margin.mean().item(),
        accuracy=share_right(delta),
        chosen_per_token=(chosen.sum() / tokens.sum()).item(),
    )


def _sample_size(arguments: Any) -> int:
    seen = arguments.max_steps * arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
    return min(SAMPLE_PAIRS, max(MIN_SAMPLE_PAIRS, round(SAMPLED_SHARE * seen)))


def share_right(delta: Float[Tensor, " rows"]) -> float:
    """Share of pairs whose chosen answer has gained more, in nats; a pair that moved neither way counts half."""
    tie = delta.abs() <= TIE
    return ((delta > TIE).float() + 0.5 * tie.float()).mean().item()


def _measure(
    trainer: Any, rows: list[dict[str, Any]]
) -> tuple[Float[Tensor, " rows"], Float[Tensor, " rows"], Int[Tensor, " rows"]]:
    """(log-ratio differences, chosen log-probabilities, chosen token counts): nats summed over tokens."""
    import torch

    batch = {name: value.to(trainer.model.device) for name, value in trainer.data_collator(rows).items()}
    mask = batch["completion_mask"]
    inputs = {name: value for name, value in batch.items() if name in ("input_ids", "attention_mask")}
    labels = batch["input_ids"].masked_fill(mask == 0, -100)
    # The trainer's own forward pass, so that policy and reference differ by their weights and not by rounding.
    with torch.no_grad(), trainer.accelerator.autocast():
        output = trainer.model(**inputs, labels=labels, use_cache=False, fused_lm_head=True)
    chosen, rejected = output.log_probs.sum(dim=1).chunk(2)
    if "ref_chosen_logps" in batch:
        ref_chosen, ref_rejected = batch["ref_chosen_logps"], batch["ref_rejected_logps"]
    else:
        ref_chosen, ref_rejected = trainer.compute_ref_log_probs(trainer.model, batch)
    tokens = mask[:, 1:].sum(dim=1).chunk(2)[0]
    return (chosen - ref_chosen) - (rejected - ref_rejected), chosen, tokens
