"""`ruler_groups`: answers to one prompt scored by a judge in one call, as of a day. Compare inside a group only."""

import pyarrow as pa

from rl_assets.lake.table import Table, column

RULER_GROUPS = Table(
    "ruler_groups",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which the answers were known; the partition"),
            column("prompt_key", pa.string(), "hash of the normalised conversation, task and context; the group"),
            column("cluster_key", pa.string(), "prompt key that names the cluster of prompts nearly the same"),
            column("split", pa.string(), "train or validation"),
            column("interaction_id", pa.string(), "the answer"),
            column("landed_day", pa.date32(), "log day on which it landed"),
            column("score", pa.float64(), "in [0, 1], relative to the group's other answers; comparable with no other"),
            column("order_tau", pa.float64(), "Kendall's tau-b of the group's scores in two orders of its answers"),
            column("size", pa.int64(), "answers in the group"),
            column("rubric_sha256", pa.string(), "hash of everything that the judge was told"),
            column("model", pa.string(), "the judge"),
        ]
    ),
    identity=("prompt_key", "interaction_id", "score", "rubric_sha256", "model"),
)
