"""`rated_dimensions`: every rating of an answer by one name and one source, as of a day."""

import pyarrow as pa

from rl_assets.lake.table import Table, column

RATED_DIMENSIONS = Table(
    "rated_dimensions",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which this was known; the partition"),
            column("interaction_id", pa.string(), "the answer"),
            column("landed_day", pa.date32(), "log day on which it landed first; its texts lie there"),
            column("prompt_key", pa.string(), "hash of the normalised conversation, task and context"),
            column("cluster_key", pa.string(), "prompt key that names the cluster of prompts nearly the same"),
            column("split", pa.string(), "train, validation or test, by the hash of the cluster; null between splits"),
            column("dimension", pa.string(), "what was rated: overall, faithfulness, ..."),
            column("source", pa.string(), "human, verifier, judge or synthetic; no row mixes two of them"),
            column("value", pa.float64(), "mean over raters of their latest value, in [0, 1]"),
            column("raters", pa.int64(), "raters whose latest values were averaged"),
            column("spread", pa.float64(), "standard deviation over these raters (of a population)"),
            column("model", pa.string(), "the judge or panel, if its log names it; null for people"),
            column("content_sha256", pa.string(), "hash of the logged answer"),
        ]
    ),
    identity=(
        "interaction_id",
        "landed_day",
        "prompt_key",
        "split",
        "dimension",
        "source",
        "value",
        "raters",
        "spread",
        "model",
        "content_sha256",
    ),
)
