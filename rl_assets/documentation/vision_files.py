"""Pictures in a dataset's files: parquet that `datasets` opens with an Image column."""

import json

import pyarrow as pa

from rl_assets.documentation.vision import PICTURES

# How the library `datasets` knows, from the file alone, that a column holds pictures.
IMAGE_COLUMN = {"info": {"features": {"images": {"feature": {"_type": "Image"}, "_type": "List"}}}}


def describe_pictures(schema: pa.Schema) -> pa.Schema:
    """The schema in which `images` lists {bytes, path}, as the library wants them."""
    pictures = schema.set(schema.get_field_index("images"), pa.field("images", PICTURES))
    return pictures.with_metadata({"huggingface": json.dumps(IMAGE_COLUMN)})
