"""The table of a judge's preferences between logged answers, which `rl_assets.annotation.judge_preferences` fills."""

import pyarrow as pa

from rl_assets.lake.table import Table, column

JUDGE_PREFERENCES = Table(
    "judge_preferences",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which the answers were known; the partition"),
            column("prompt_key", pa.string(), "hash of the normalised conversation, task and context"),
            column("segment", pa.string(), "slice of the product"),
            column("category", pa.string(), "kind of question"),
            column("preferred_id", pa.string(), "the answer that was better in both orders"),
            column("preferred_day", pa.date32(), "log day on which it landed"),
            column("rejected_id", pa.string(), "the answer that was worse in both orders"),
            column("rejected_day", pa.date32(), "log day on which it landed"),
            column("model", pa.string(), "the judge"),
        ]
    ),
    identity=("prompt_key", "preferred_id", "rejected_id", "model"),
)
