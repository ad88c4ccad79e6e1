"""The last look for personal data, at the texts of a dataset as they would be published.

Texts were cleaned when they landed; this finds what came in another way.
"""

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.features.privacy import holds_personal_data

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
    """Leave the view `personal_rows` (row: a rowid of the connection's table `rows`) on the connection."""
    names = [name for name in connection.table("rows").columns if name in TEXTS]
    batches = connection.sql(f"SELECT rowid AS row, {', '.join(names)} FROM rows").to_arrow_reader(BATCH_ROWS)
    found = [_personal(batch, name) for batch in batches for name in names]
    connection.register("personal_rows", pa.table({"row": pc.unique(pa.chunked_array(found, pa.int64()))}))


def _personal(batch: pa.RecordBatch, name: str) -> pa.Array:
    """Rows in whose column `name` a text holds personal data."""
    items = batch.column(name)
    texts = items.flatten().field(TEXTS[name])
    owners = batch.column("row").take(pc.list_parent_indices(items))
    return owners.filter(holds_personal_data(texts))
