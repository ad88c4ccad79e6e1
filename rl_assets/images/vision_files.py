"""Pictures in a dataset's files: parquet that `datasets` opens with an Image column, streamed batch by batch."""

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.images.vision import PICTURES

BATCH = 256
# How the library `datasets` knows, from the file alone, that a column holds pictures.
IMAGE_COLUMN = {"info": {"features": {"images": {"feature": {"_type": "Image"}, "_type": "List"}}}}


def write_pictures(connection: duckdb.DuckDBPyConnection, split: str, path: Path) -> None:
    """One split of the table `rows`; `images` lists {bytes, path}, as the library wants them."""
    rows = connection.sql(f"SELECT * EXCLUDE (split, prompt_key) FROM rows WHERE split = '{split}'")
    batches = rows.to_arrow_reader(BATCH)
    schema = batches.schema.set(batches.schema.get_field_index("images"), pa.field("images", PICTURES))
    described = schema.with_metadata({"huggingface": json.dumps(IMAGE_COLUMN)})
    with pq.ParquetWriter(path, described, compression="zstd") as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_batches([batch]).cast(described))
