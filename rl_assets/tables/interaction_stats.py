"""`interaction_stats`: how the product did on a day and over its window, and what could be built from it."""

import pyarrow as pa

from rl_assets.lake.table import Table, column

# Each column of usable rows: the dataset that it counts, and what it is called.
USABLE = {
    "sft_rows": ("sft_dataset", "rows of sft_dataset"),
    "dpo_pairs": ("dpo_dataset", "pairs of dpo_dataset"),
    "reward_pairs": ("reward_dataset", "pairs of reward_dataset"),
    "kto_rows": ("kto_dataset", "rows of kto_dataset"),
    "grpo_groups": ("grpo_dataset", "groups of grpo_dataset"),
}

# Each column of rows that a training would take, and its kind of adapter.
TRAINABLE = {
    "sft_trainable": "sft",
    "dpo_trainable": "dpo",
    "reward_trainable": "reward",
    "kto_trainable": "kto",
    "grpo_trainable": "grpo",
}

STATS = Table(
    "interaction_stats",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which this was known; the partition"),
            column("scope", pa.string(), "day: answers that landed on it; window: the whole trailing window"),
            column("answers", pa.int64(), "answers"),
            column("rated", pa.int64(), "answers with a reward"),
            column("high_quality", pa.int64(), "answers with a reward of 0.8 or more and no error"),
            column("high_quality_rate", pa.float64(), "their share of the rated answers; 0 where there are none"),
            column("errors", pa.int64(), "answers that failed"),
            column("error_rate", pa.float64(), "their share of all answers; 0 where there are none"),
            column("latency_p50_ms", pa.float64(), "median time to answer in ms"),
            column("latency_p95_ms", pa.float64(), "95th percentile of the time to answer in ms"),
            column("by_agent", pa.string(), "answers by agent, as JSON"),
            column("by_category", pa.string(), "answers by category, as JSON"),
            *(
                column(name, pa.int64(), f"{what}, after all filters; null for a day")
                for name, (_, what) in USABLE.items()
            ),
            *(
                column(
                    name,
                    pa.int64(),
                    f"training rows that the recipe would take for {kind}: its segment, its length; null for a day",
                )
                for name, kind in TRAINABLE.items()
            ),
            column("recommendation", pa.string(), "what is worth training, and what would train; null for a day"),
        ]
    ),
    identity=(
        "scope",
        "answers",
        "rated",
        "high_quality",
        "errors",
        "by_agent",
        "by_category",
        *USABLE,
        *TRAINABLE,
        "recommendation",
    ),
)
