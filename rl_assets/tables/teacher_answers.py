"""The table of a teacher's answers to logged prompts, which `rl_assets.annotation.teacher` fills."""

import pyarrow as pa

from rl_assets.lake.table import Table, column

TEACHER_ANSWERS = Table(
    "teacher_answers",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which the prompts were known; the partition"),
            column("interaction_id", pa.string(), "the logged answer whose prompt the teacher answered"),
            column("prompt_key", pa.string(), "hash of the normalised conversation, task and context"),
            column("segment", pa.string(), "slice of the product"),
            column("category", pa.string(), "kind of question"),
            column("answer", pa.string(), "the teacher's answer"),
            column("source", pa.string(), "teacher"),
            column("model", pa.string(), "the teacher"),
            column("prompt_tokens", pa.int64(), "as the service counted them; null where it does not say"),
            column("completion_tokens", pa.int64(), "likewise"),
        ]
    ),
    identity=("interaction_id", "answer", "model"),
)
