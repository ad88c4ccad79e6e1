"""Questions about documentation as training rows: supervised, and for group-relative optimisation with the reward."""

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.datasets.builders import Built
from rl_assets.documentation.policy import MultimodalPolicy
from rl_assets.documentation.questions import SEGMENT, Questions, questions
from rl_assets.documentation.refresh import kept_pairs, text_sections
from rl_assets.lake.delta import Lake
from rl_assets.tables.records import MESSAGES

QUESTIONS = pa.schema(
    [
        ("row_id", pa.string()),
        ("prompt_key", pa.string()),
        ("prompt", MESSAGES),
        ("answer", pa.string()),
        (
            "responses",
            pa.list_(pa.struct([("text", pa.string()), ("reward", pa.float64()), ("interaction_id", pa.string())])),
        ),
        ("gold_text", pa.string()),
        ("gold_images", pa.list_(pa.string())),
        ("catalogue", pa.list_(pa.string())),
        ("source", pa.string()),
        ("page", pa.string()),
        ("needs_image", pa.bool_()),
    ]
)
STATEMENTS = {"multimodal_sft_dataset": "documentation/sft_rows", "multimodal_grpo_dataset": "documentation/grpo_rows"}


def build_multimodal(
    lake: Lake, name: str, policy: MultimodalPolicy, memory_limit: str
) -> tuple[duckdb.DuckDBPyConnection, Built]:
    """A connection with the tables `rows` and `fates` of the dataset `name`, and the counts that account for both."""
    found = questions(kept_pairs(lake), text_sections(lake), policy)
    connection = sql.connect(memory_limit)
    connection.register("questions", pa.Table.from_pylist(found.rows, schema=QUESTIONS))
    sql.create_table(connection, "rows", STATEMENTS[name], segment=SEGMENT)
    # What became of logged answers; none enters these datasets.
    connection.execute("CREATE TABLE fates (interaction_id VARCHAR, reason VARCHAR)")
    return connection, _account(found)


def _account(found: Questions) -> Built:
    needing = sum(row["needs_image"] for row in found.rows)
    measures = {"need_an_image": needing, "need_none": len(found.rows) - needing}
    return Built(len(found.rows) + sum(found.left_out.values()), len(found.rows), found.left_out, measures)
