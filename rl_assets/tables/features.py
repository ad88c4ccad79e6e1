"""Features of landed rows: redacted texts, the cluster of a prompt, flags. Each is computed once."""

import pyarrow as pa

from rl_assets.lake.table import Table, column
from rl_assets.tables.records import DAY, MESSAGES

# Only redacted texts are kept here; all others stay in the raw tables.
REDACTIONS = Table(
    "redactions",
    pa.schema(
        [
            DAY,
            column("record", pa.string(), "interaction or feedback"),
            column("id", pa.string(), "id of the interaction or the feedback event"),
            column("found", pa.list_(pa.string()), "kinds of replaced personal data, in order, one entry per finding"),
            column("prompt", MESSAGES, "redacted texts; null if a record has none"),
            column("answer", pa.string(), ""),
            column("context", pa.string(), ""),
            column("prompt_key", pa.string(), "key of the redacted prompt"),
            column("answer_key", pa.string(), "key of the redacted answer"),
            column("interaction_id", pa.string(), "id of the answer, hashed if it holds personal data"),
            column("agent", pa.string(), "names with personal data replaced"),
            column("category", pa.string(), ""),
            column("segment", pa.string(), ""),
            column("task", pa.string(), ""),
            column("preferred", pa.string(), ""),
            column("rejected", pa.string(), ""),
            column("comment", pa.string(), ""),
        ]
    ),
    identity=(
        *("record", "id", "prompt_key", "answer_key", "answer", "preferred", "rejected", "comment"),
        *("interaction_id", "agent", "category", "segment", "task"),
    ),
)

PROMPT_CLUSTERS = Table(
    "prompt_clusters",
    pa.schema(
        [
            column("month", pa.string(), "month of `day`; the partition, so that there are few files"),
            column("day", pa.date32(), "log day on which the prompt first landed"),
            column("prompt_key", pa.string(), "the prompt"),
            column(
                "cluster_key",
                pa.string(),
                "prompt key that names its cluster; null if it is similar to prompts of two splits",
            ),
            column("method", pa.string(), "how prompts are compared; rows of another method are out of date"),
            column("words", pa.list_(pa.int32()), "hashes of the prompt's words"),
        ]
    ),
    identity=("prompt_key", "cluster_key", "day", "method"),
    partition="month",
)

FEATURES = Table(
    "interaction_features",
    pa.schema(
        [
            DAY,
            column("interaction_id", pa.string(), "id of the answer"),
            column("personal_data", pa.bool_(), "personal data was replaced in its texts"),
            column("refusal", pa.bool_(), "the answer starts with a refusal, or its log says that it is one"),
            column("boilerplate", pa.bool_(), "the answer is a stock phrase and nothing else"),
            column("contaminated", pa.bool_(), "it shares 13 words in a row with a benchmark in `eval/`"),
            column("language", pa.string(), "ISO 639 code of the answer's language; null if it is unclear"),
        ]
    ),
    identity=(
        "interaction_id",
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
            column("landed", pa.string(), "hash of the files of the raw tables that were read"),
            column("benchmarks", pa.string(), "hash of the benchmark files"),
            column("method", pa.string(), "how prompts are compared"),
            column("privacy", pa.string(), "hash of how personal data is found and replaced"),
            column("interactions", pa.int64(), "answers with features"),
            column("new_prompts", pa.int64(), "prompts that had not landed before"),
            column("new_clusters", pa.int64(), "new prompts that are similar to no earlier one"),
        ]
    ),
    identity=("benchmarks", "method", "privacy", "interactions"),
)
