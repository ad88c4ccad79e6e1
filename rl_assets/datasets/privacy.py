"""The last look for personal data, at the texts of a dataset as they would be published.

Texts were cleaned when they landed; this finds what came in another way.
"""

import duckdb
import pyarrow as pa

from rl_assets.features.privacy import SUSPECT, holds_personal_data

# Columns of training rows that hold texts, and the field of their items that is one.
TEXTS = {
    "messages": "content",
    "prompt": "content",
    "completion": "content",
    "chosen": "content",
    "rejected": "content",
    "responses": "text",
}
BATCH_ROWS = 10_000


def find_personal_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave the temporary table `personal_rows` (row: a rowid of the connection's table `rows`) on the connection."""
    names = [name for name in connection.table("rows").columns if name in TEXTS]
    lists = ", ".join(f"[item.{TEXTS[name]} for item in {name}]" for name in names)
    suspects = connection.sql(
        f"SELECT * FROM (SELECT rowid AS row, array_to_string(flatten([{lists}]), chr(10)) AS texts FROM rows) "
        "WHERE regexp_matches(texts, $suspect)",
        params={"suspect": SUSPECT},
    ).to_arrow_reader(BATCH_ROWS)
    found = [
        pa.table({"row": batch.column("row").filter(holds_personal_data(batch.column("texts")))}) for batch in suspects
    ]
    rows = pa.concat_tables([pa.table({"row": pa.array([], pa.int64())}), *found])
    connection.register("found_rows", rows)
    connection.execute("CREATE OR REPLACE TEMP TABLE personal_rows AS FROM found_rows")
    connection.unregister("found_rows")
