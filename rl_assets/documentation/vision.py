"""Image pairs as rows for vision-language models: the image itself, a question about it, and what its page says.

Images are encoded again in the decoding process, small enough to train on, so a trainer never opens a user's file.
"""

import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import Field

from rl_assets.core import sql
from rl_assets.core.files import sha256_file, sha256_text
from rl_assets.datasets.builders import Built
from rl_assets.datasets.policies import Policy
from rl_assets.datasets.row_metrics import table_rows
from rl_assets.documentation.confidence import is_informative
from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.prose import ANSWER_CHARACTERS, page_key, prose, reason_without_prose, topic_of
from rl_assets.documentation.publish import kept_pairs
from rl_assets.documentation.questions import SEGMENT
from rl_assets.lake.delta import Lake

Row = dict[str, Any]
QUESTION_TEMPLATES = (
    "What does this picture show about {topic}?",
    "Explain this picture from the documentation of {topic}.",
    "What can be seen here, and what does the documentation of {topic} say about it?",
)
BATCH_ROWS = 256  # Images are large.
IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
# How the library `datasets` recognizes, from the file alone, a column of images.
IMAGE_FEATURE = {"info": {"features": {"images": {"feature": {"_type": "Image"}, "_type": "List"}}}}
PARTS = pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))
VISION_ROWS = pa.schema(
    [
        ("row_id", pa.string()),
        ("prompt_key", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", PARTS)]))),
        ("images", IMAGES),
        ("source", pa.string()),
        ("page", pa.string()),
        ("path", pa.string()),
        ("sha256", pa.string()),
        ("image_type", pa.string()),
    ]
)


class VisionPolicy(Policy):
    """Images of documentation with what their pages say, for vision-language models."""

    longest_edge: int = Field(1024, ge=32, le=4096, description="Images are scaled down to this many pixels.")
    quality: int = Field(90, ge=1, le=100, description="WebP quality of the images.")
    max_rows: int = Field(100_000, ge=1, description="Maximum number of rows, most confident pairs first.")


def build_vision(
    lake: Lake, docs: Path, policy: VisionPolicy, limits: Limits, memory_limit: str
) -> tuple[duckdb.DuckDBPyConnection, Built]:
    """A connection with the tables `rows` and `outcomes` of the dataset, and the counts of every kept pair.

    `docs` holds the sources' folders. An image that is gone or changed since its page was parsed is dropped.
    """
    with Decoder(limits) as decoder:
        rows, dropped = vision_rows(kept_pairs(lake), docs, policy, decoder)
    connection = sql.connect(memory_limit)
    connection.register("images", pa.Table.from_pylist(rows, schema=VISION_ROWS))
    sql.create_table(connection, "rows", "documentation/vision_rows", segment=SEGMENT)
    connection.execute("CREATE TABLE outcomes (interaction_id VARCHAR, reason VARCHAR)")
    metrics: dict[str, float | None] = {"image_bytes": sum(len(row["images"][0]["bytes"]) for row in rows)}
    batches = partial(table_rows, connection, BATCH_ROWS)
    return connection, Built(len(rows) + sum(dropped.values()), len(rows), dropped, metrics, batches)


def with_image_feature(schema: pa.Schema) -> pa.Schema:
    """The schema in which `images` lists {bytes, path}, so that `datasets` opens the file with an Image column."""
    images = schema.set(schema.get_field_index("images"), pa.field("images", IMAGES))
    return images.with_metadata({"huggingface": json.dumps(IMAGE_FEATURE)})


def vision_rows(
    pairs: Sequence[Row], docs: Path, policy: VisionPolicy, decoder: Decoder
) -> tuple[list[Row], dict[str, int]]:
    """A row for every pair that has text and a raster image, most confident first; and counts of the dropped ones.

    An image that several sources show is kept once, so that it is in one split.
    """
    dropped: Counter[str] = Counter()
    rows: list[Row] = []
    seen: set[str] = set()
    for pair in sorted(pairs, key=lambda pair: (-pair["confidence"], pair["pair_id"])):
        answer = answer_of(pair)
        reason = _reason_to_drop(pair, answer, policy, len(rows))
        reason = reason or ("in_another_source" if pair["sha256"] in seen else None)
        image = reason or copy_image(pair, docs, policy, decoder)
        if isinstance(image, str):
            dropped[image] += 1
        else:
            rows.append(_row(pair, answer, image))
            seen.add(pair["sha256"])
    return sorted(rows, key=lambda row: row["row_id"]), dict(sorted(dropped.items()))


def answer_of(pair: Row) -> str:
    """What the page says of an image: its caption or alt if informative, and the text around it."""
    named = next((name for name in (pair["caption"], pair["alt"]) if is_informative(name)), "")
    context = prose(pair["context"])
    return (f"{prose(named).rstrip('.')}. {context}" if named else context)[:ANSWER_CHARACTERS]


def _reason_to_drop(pair: Row, answer: str, policy: VisionPolicy, rows: int) -> str | None:
    if pair["format"] == "svg":
        return "svg_is_not_rendered"
    return reason_without_prose(pair, answer) or ("over_max_rows" if rows >= policy.max_rows else None)


def copy_image(pair: Row, docs: Path, policy: VisionPolicy, decoder: Decoder) -> bytes | str:
    """A small copy of the pair's image; or the reason: its file has changed since, or does not decode."""
    root = docs / pair["source"]
    path = (root / pair["path"]).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file() or sha256_file(path) != pair["sha256"]:
        return "file_changed"
    return decoder.small_copy(path, policy.longest_edge, policy.quality) or "not_decoded"


def _row(pair: Row, answer: str, image: bytes) -> Row:
    row_id = sha256_text(f"{pair['pair_id']}\x1f{answer}")
    question = QUESTION_TEMPLATES[int(row_id[:8], 16) % len(QUESTION_TEMPLATES)].format(topic=topic_of(pair))
    user = [{"type": "image", "text": None}, {"type": "text", "text": question}]
    return {
        "row_id": row_id,
        "prompt_key": page_key(pair),
        "messages": [
            {"role": "user", "content": user},
            {"role": "assistant", "content": [{"type": "text", "text": answer}]},
        ],
        "images": [{"bytes": image, "path": f"{pair['sha256'][:20]}.webp"}],
        **{name: pair[name] for name in ("source", "page", "path", "sha256", "image_type")},
    }
