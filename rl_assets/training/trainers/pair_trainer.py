"""TRL's DPO trainer, which can put pairs of similar length into a batch as its supervised trainer does.

The text of this module is part of training scripts.
"""

from typing import Any


def pair_trainer_class(report: Any = None) -> Any:
    """A DPOTrainer for TRL's conversations, or for the columns that `tokenized.pair_columns` makes of them.

    `report` is told of how many pairs the reference's log-probabilities are computed, if that is done before training.
    """
    from trl import DPOTrainer

    class PairTrainer(DPOTrainer):
        _referenced: Any = None

        def compute_ref_log_probs(self, model: Any, inputs: Any) -> Any:
            computed = super().compute_ref_log_probs(model, inputs)
            if report is not None and self._referenced is not None:
                self._referenced += len(inputs["input_ids"]) // 2
                report(self._referenced)
            return computed

        def _prepare_dataset(self, dataset: Any, *rest: Any) -> Any:
            if "length" in dataset.column_names:
                return dataset
            return super()._prepare_dataset(dataset, *rest).map(pair_length)

        def _set_signature_columns_if_needed(self) -> None:
            # The sampler looks for lengths in what is left when columns without a signature have been removed.
            super()._set_signature_columns_if_needed()
            vars(self)["_signature_columns"] = [*dict.fromkeys([*vars(self)["_signature_columns"], "length"])]

        def _precompute_ref_logps(self, dataset: Any, *rest: Any) -> Any:
            self._referenced = 0
            computed = self._precompute_in_order(dataset, *rest)
            self._referenced = None
            return computed

        def _precompute_in_order(self, dataset: Any, *rest: Any) -> Any:
            if self.args.train_sampling_strategy != "group_by_length":
                return super()._precompute_ref_logps(dataset, *rest)
            order, positions = by_length(dataset)
            return super()._precompute_ref_logps(dataset.select(order), *rest).select(positions)

    return PairTrainer


def by_length(dataset: Any) -> tuple[list[int], list[int]]:
    """The rows in order of their length, and the position of each row in that order."""
    lengths = list(dataset["length"])
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    positions = {row: index for index, row in enumerate(order)}
    return order, [positions[row] for row in range(len(order))]


def pair_length(row: dict[str, Any]) -> dict[str, int]:
    """Tokens of the longer side of a tokenized pair, its prompt included."""
    return {"length": len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))}
