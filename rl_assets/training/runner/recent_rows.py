"""Which rows were in the batches since the last update, so that a loss that is no finite number names them."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

SIDES = ("completion_ids", "chosen_ids", "rejected_ids")


class RecentRows:
    """Watches a trainer's steps; holds token ids and losses of one accumulated batch and costs no synchronisation.

    `ids` are those of the training rows in the order of the trainer's dataset.
    """

    def __init__(self, trainer: Any, ids: list[str]):
        self._trainer, self._ids = trainer, ids
        self._step = trainer.training_step
        self._recent: deque[tuple[Any, Any]] = deque(maxlen=trainer.args.gradient_accumulation_steps)
        trainer.training_step = self._training_step

    def _training_step(self, model: Any, inputs: Any, *rest: Any) -> Any:
        batch = dict(inputs) if isinstance(inputs, Mapping) else {}
        loss = self._step(model, inputs, *rest)
        if "input_ids" in batch:
            self._recent.append((batch, loss.detach()))
        return loss

    def of_bad_loss(self) -> list[str]:
        """Ids of the rows in the batches whose loss is no finite number; none if all are finite."""
        bad = {tokens for batch, loss in self._recent if not loss.isfinite().all() for tokens in _batch_rows(batch)}
        rows = zip(self._ids, self._trainer.train_dataset, strict=True) if bad else ()
        return list(dict.fromkeys(identity for identity, row in rows if bad & set(_sequences(row))))


def _batch_rows(batch: Mapping[str, Any]) -> Iterator[tuple[int, ...]]:
    """Token sequences of a batch: of padded rows what the mask keeps, of rows end to end what lies between starts."""
    if "attention_mask" in batch:
        for tokens, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True):
            yield tuple(tokens[mask.bool()].tolist())
        return
    tokens, starts = batch["input_ids"][0].tolist(), (batch["position_ids"][0] == 0).nonzero().flatten().tolist()
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        yield tuple(tokens[start:end])


def _sequences(row: Mapping[str, Any]) -> Iterator[tuple[int, ...]]:
    """The token sequences that a trainer may make of a tokenized row."""
    if "input_ids" in row:
        yield tuple(row["input_ids"])
    for side in SIDES:
        if side in row:
            yield (*row.get("prompt_ids", []), *row[side])
