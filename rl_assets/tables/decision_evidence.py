"""The table of evidence on which promotions rest: what each held-out cluster of prompts said of two models."""

import pyarrow as pa

from rl_assets.lake.table import Table, column

DECISION_EVIDENCE = Table(
    "decision_evidence",
    pa.schema(
        [
            column("month", pa.string(), "month of `day`; the partition, so that there are few files"),
            column("day", pa.date32(), "the night of the comparison"),
            column("segment", pa.string(), "the declared segment; null for the product"),
            column("epoch", pa.string(), "the time of one champion with one metric"),
            column("lineage", pa.string(), "kind of the adapters that are compared with the champion"),
            column("metric", pa.string(), "the metric of the difference"),
            column(
                "cluster", pa.string(), "prompt key that names the cluster of prompts, or hash of a served conversation"
            ),
            column("model", pa.string(), "sha256 of the weights under decision"),
            column("against", pa.string(), "sha256 of the weights that they would replace"),
            column("difference", pa.float64(), "mean difference on the cluster's prompts, in [-1, 1]"),
            column("log_length_ratio", pa.float64(), "ln of the ratio of answer lengths; null without a judge"),
            column(
                "source", pa.string(), "test split; fresh: landed after both models were trained; served: conversation"
            ),
        ]
    ),
    partition="month",
    identity=("segment", "epoch", "lineage", "cluster", "model", "difference", "log_length_ratio"),
)
