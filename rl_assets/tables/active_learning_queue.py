"""The table of what people are asked about next: pairs of answers to compare and single answers to rate.

It holds no text: answers are named by their ids. Each day has the items that are open as of that day.
"""

from typing import Literal, get_args

import pyarrow as pa

from rl_assets.lake.table import Table, column

Lane = Literal["random", "disagreement", "informative", "optimistic"]
LANES: tuple[Lane, ...] = get_args(Lane)

ACTIVE_LEARNING_QUEUE = Table(
    "active_learning_queue",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which the item is open; the partition"),
            column("item_id", pa.string(), "hash of the answers' ids; a label names it in its id, as q-<item_id>"),
            column("prompt_key", pa.string(), "hash of the normalised conversation, task and context"),
            column("cluster_key", pa.string(), "prompt key that names the cluster of prompts nearly the same"),
            column("segment", pa.string(), "slice of the product"),
            column("task", pa.string(), "kind of task"),
            column("first_id", pa.string(), "the answer that is shown first, drawn by the hash of the item"),
            column("first_day", pa.date32(), "log day on which it landed"),
            column("second_id", pa.string(), "the answer that is shown second; null for a single answer to rate"),
            column("second_day", pa.date32(), "log day on which it landed"),
            column("reasons", pa.list_(pa.string()), "why it is asked"),
            column("score", pa.float64(), "by which its lane ranks items; comparable within the lane only"),
            column("lane", pa.string(), f"who chose it: {', '.join(LANES)}"),
            column("batch", pa.date32(), "the day on which it entered the queue"),
            column("p", pa.float64(), "mean probability of the heads that the first is better; null without heads"),
            column("sd", pa.float64(), "their standard deviation"),
        ]
    ),
    identity=("item_id", "first_id", "second_id", "lane", "batch"),
)
