"""The table of pairs of answers that people may compare: which were drawn for them, and what a judge says of each.

It holds no text: the answers are named by their keys.
"""

import pyarrow as pa

from rl_assets.lake.table import Table, column

REVIEW_QUEUE = Table(
    "review_queue",
    pa.schema(
        [
            column("day", pa.date32(), "the night of the comparison; the partition"),
            column("segment", pa.string(), "slice of the product; null for the product"),
            column("epoch", pa.string(), "the time of one champion with one metric"),
            column("lineage", pa.string(), "kind of the adapters that are compared with the champion"),
            column("pair_id", pa.string(), "names epoch, models and prompt; a label names it as its interaction_id"),
            column("cluster", pa.string(), "prompt key that names the cluster of prompts"),
            column("prompt_key", pa.string(), "hash of the normalised conversation"),
            column("model", pa.string(), "sha256 of the weights under decision"),
            column("against", pa.string(), "sha256 of the weights that they would replace"),
            column("ours_key", pa.string(), "hash of the answer of the model under decision"),
            column("theirs_key", pa.string(), "hash of the other one's answer"),
            column("drawn", pa.bool_(), "drawn at random for people; no label counts on any other pair"),
            column(
                "judged", pa.float64(), "the judge: 1 for ours, 0 for theirs, 0.5 for a tie; null without a verdict"
            ),
        ]
    ),
    identity=("pair_id", "drawn", "judged"),
)
