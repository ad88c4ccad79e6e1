"""The last check for personal data, in the texts and the metadata of a dataset as they are published.

Texts were redacted when they landed; this catches what reached a dataset by another route.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.core.detectors import Detectors
from rl_assets.features.privacy import holds_personal_data, names_with_personal_data

# Columns of training rows that hold texts, and the field of their items that is one.
TEXTS = {
    "messages": "content",
    "prompt": "content",
    "completion": "content",
    "chosen": "content",
    "rejected": "content",
    "responses": "text",
}


# Fields of `metadata` that are hashes of ours.
KEYS = ("prompt_key", "cluster_key")


def personal_rows(rows: pa.Table, detectors: Detectors = ()) -> pa.Array:
    """Whether a text or the metadata of each row holds personal data; a text in many rows is checked once."""
    columns = [rows.column(name).combine_chunks() for name in rows.column_names if name in TEXTS]
    fields = [TEXTS[name] for name in rows.column_names if name in TEXTS]
    texts = [items.flatten().field(field) for items, field in zip(columns, fields, strict=True)]
    # Conversations are all different; prompts and answers to them repeat.
    different = texts[0] if len(texts) == 1 else pa.chunked_array(texts, pa.string()).unique()
    personal = different.filter(holds_personal_data(different, detectors))
    is_personal = np.zeros(len(rows), bool)
    for items, values in zip(columns, texts, strict=True) if len(personal) else ():
        is_personal[pc.list_parent_indices(items).filter(pc.is_in(values, personal))] = True
    for index, names, ids in _names(rows):
        flags = names_with_personal_data(names, detectors, ids=ids)
        is_personal[(index.filter(flags) if index is not None else pc.indices_nonzero(flags))] = True
    return pa.array(is_personal)


def _names(rows: pa.Table) -> Iterator[tuple[pa.Array | None, pa.Array, bool]]:
    """The texts of `metadata` and the ids of responses: the rows of list items, or None; the values; whether ids."""
    if "responses" in rows.column_names:
        responses = rows.column("responses").combine_chunks()
        if responses.type.value_type.get_field_index("interaction_id") >= 0:
            yield pc.list_parent_indices(responses), responses.flatten().field("interaction_id"), True
    metadata = rows.column("metadata").combine_chunks() if "metadata" in rows.column_names else None
    for field in metadata.type if metadata is not None else ():
        values = pc.struct_field(metadata, field.name)
        if pa.types.is_string(field.type) and field.name not in KEYS:
            yield None, values, field.name.endswith("_id")
        elif pa.types.is_list(field.type) and pa.types.is_string(field.type.value_type):
            yield pc.list_parent_indices(values), values.flatten(), False
