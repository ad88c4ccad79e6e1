"""`synthetic_feedback`: scores of logged answers by a panel of judges, as of a day; never rows of `feedback`."""

import pyarrow as pa

from rl_assets.lake.table import Table, column

SYNTHETIC_FEEDBACK = Table(
    "synthetic_feedback",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which the answers were known; the partition"),
            column("feedback_id", pa.string(), "hash of the answer, the rater and the rubric"),
            column("interaction_id", pa.string(), "the answer that is scored"),
            column("landed_day", pa.date32(), "log day on which it landed"),
            column("prompt_key", pa.string(), "hash of the normalised conversation, task and context"),
            column("cluster_key", pa.string(), "prompt key that names the cluster of prompts nearly the same"),
            column("split", pa.string(), "train or validation"),
            column("kind", pa.string(), "rating"),
            column("source", pa.string(), "synthetic"),
            column("dimension", pa.string(), "what is scored; `overall` is weighed from the others"),
            column("rater", pa.string(), "<model>/<persona>; `panel` for the weighed score"),
            column("model", pa.string(), "the judge's model; of the weighed score all models"),
            column("value", pa.float64(), "in [0, 1]"),
            column("raters", pa.int64(), "votes in the answer's score: one per model, however many personas it has"),
            column("comment", pa.string(), "the rationale, without personal data; null for the weighed score"),
            column("rubric_sha256", pa.string(), "hash of everything that the judge was told, and of the weights"),
            column("tokens", pa.int64(), "tokens that the score took, of prompt and reply"),
            column("usd", pa.float64(), "US dollars that it cost; null if the model's price is not known"),
            column("seconds", pa.float64(), "seconds that the call took"),
            column("believed", pa.bool_(), "whether datasets may use it"),
        ]
    ),
    identity=("interaction_id", "dimension", "rater", "value", "comment", "rubric_sha256", "believed"),
)
