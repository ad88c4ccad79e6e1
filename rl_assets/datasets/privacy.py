"""The last check for personal data, in the texts of a dataset as they are published.

Texts were redacted when they landed; this catches what reached a dataset by another route.
"""

import numpy as np
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


def personal_rows(rows: pa.Table) -> pa.Array:
    """Whether a text of each row holds personal data; a text that stands in many rows is checked once."""
    columns = [rows.column(name).combine_chunks() for name in rows.column_names if name in TEXTS]
    fields = [TEXTS[name] for name in rows.column_names if name in TEXTS]
    texts = [items.flatten().field(field) for items, field in zip(columns, fields, strict=True)]
    # Conversations are all different; prompts and answers to them repeat.
    different = texts[0] if len(texts) == 1 else pa.chunked_array(texts, pa.string()).unique()
    personal = different.filter(holds_personal_data(different))
    is_personal = np.zeros(len(rows), bool)
    for items, values in zip(columns, texts, strict=True) if len(personal) else ():
        is_personal[pc.list_parent_indices(items).filter(pc.is_in(values, personal))] = True
    return pa.array(is_personal)
