"""`dataset_ledger`: for every answer of the window, which datasets selected it and why the others did not."""

import pyarrow as pa

from rl_assets.lake.table import Table, column

DATASETS = ("sft_dataset", "dpo_dataset", "reward_dataset", "kto_dataset", "grpo_dataset")


def short_name(dataset: str) -> str:
    """The prefix of a dataset's two columns: `sft` of `sft_dataset`."""
    return dataset.removesuffix("_dataset")


LEDGER = Table(
    "dataset_ledger",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which this was known; the partition"),
            column("interaction_id", pa.string(), "the answer"),
            column("landed_day", pa.date32(), "log day on which it landed first"),
            column("agent", pa.string(), "who answered"),
            column("category", pa.string(), "kind of question"),
            column("segment", pa.string(), "segment of the product"),
            column("reward", pa.float64(), "in [0, 1]; null if unrated"),
            *(
                field
                for name in DATASETS
                for field in (
                    column(f"{short_name(name)}_rows", pa.int64(), f"rows of {name} that hold it or its correction"),
                    column(f"{short_name(name)}_reason", pa.string(), f"why {name} dropped it; null if selected"),
                )
            ),
        ]
    ),
    identity=("interaction_id", *(f"{short_name(name)}_{what}" for name in DATASETS for what in ("rows", "reason"))),
)
