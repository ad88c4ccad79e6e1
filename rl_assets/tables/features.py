"""What is known of rows from their landing on: clean texts, the cluster of a prompt, flags. Each is found once."""

import pyarrow as pa

from rl_assets.lake.table import Table, column
from rl_assets.tables.records import DAY, MESSAGES

# Only texts that held something are kept here; all others stay where they landed.
REDACTIONS = Table(
    "redactions",
    pa.schema(
        [
            DAY,
            column("record", pa.string(), "interaction or feedback"),
            column("id", pa.string(), "of the interaction or the act of feedback"),
            column("found", pa.list_(pa.string()), "kinds of what was replaced, in order, one entry a finding"),
            column("prompt", MESSAGES, "clean texts; null where a record has none"),
            column("answer", pa.string(), ""),
            column("context", pa.string(), ""),
            column("prompt_key", pa.string(), "key of the clean prompt"),
            column("answer_key", pa.string(), "key of the clean answer"),
            column("preferred", pa.string(), ""),
            column("rejected", pa.string(), ""),
            column("comment", pa.string(), ""),
        ]
    ),
    identity=("record", "id", "prompt_key", "answer_key", "answer", "preferred", "rejected", "comment"),
)

PROMPT_CLUSTERS = Table(
    "prompt_clusters",
    pa.schema(
        [
            column("month", pa.string(), "month of `day`; the partition, so that there are few files"),
            column("day", pa.date32(), "log day on which the prompt was placed"),
            column("prompt_key", pa.string(), "the prompt; it is placed once and for ever"),
            column("cluster_key", pa.string(), "prompt key that names its cluster; null between two splits"),
            column("words", pa.list_(pa.int32()), "hashes of its words"),
            column("bands", pa.list_(pa.int32()), "MinHash bands"),
        ]
    ),
    identity=("prompt_key", "cluster_key", "day"),
    partition="month",
)

FEATURES = Table(
    "interaction_features",
    pa.schema(
        [
            DAY,
            column("interaction_id", pa.string(), "the answer"),
            column("cluster_key", pa.string(), "cluster of near-duplicate prompts; its hash is the split"),
            column("personal_data", pa.bool_(), "personal data was found and replaced in its texts"),
            column("refusal", pa.bool_(), "the answer opens by refusing"),
            column("boilerplate", pa.bool_(), "the answer is a stock phrase and nothing else"),
            column("contaminated", pa.bool_(), "it shares 13 words in a row with a benchmark in `eval/`"),
            column("language", pa.string(), "ISO 639 code of the answer's language; null where it cannot be told"),
        ]
    ),
    identity=(
        "interaction_id",
        "cluster_key",
        "personal_data",
        "refusal",
        "boilerplate",
        "contaminated",
        "language",
    ),
)

DESCRIBED_DAYS = Table(
    "described_days",
    pa.schema(
        [
            DAY,
            column("landed", pa.string(), "which files of the raw tables were looked at"),
            column("benchmarks", pa.string(), "hash of the benchmarks that were looked for"),
            column("interactions", pa.int64(), "answers described"),
            column("new_prompts", pa.int64(), "prompts that had not landed before"),
            column("new_clusters", pa.int64(), "of these, those that are like no earlier one"),
        ]
    ),
    identity=("benchmarks", "interactions"),
)
