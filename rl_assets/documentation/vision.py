"""Image pairs as rows for vision-language models: the picture itself, a question about it, and what its page says.

Pictures are written anew in the decoding process, small enough to train on, so that what a trainer opens was never
anybody's file.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.core.files import sha256_file, sha256_text
from rl_assets.datasets.builders import Built
from rl_assets.datasets.row_metrics import table_rows
from rl_assets.documentation.confidence import WORD, is_informative
from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.policy import VisionPolicy
from rl_assets.documentation.questions import ANSWER_CHARACTERS, LEAST_WORDS, SEGMENT, page_key, prose, topic_of
from rl_assets.documentation.refresh import kept_pairs
from rl_assets.lake.delta import Lake

Row = dict[str, Any]
ASKING = (
    "What does this picture show about {topic}?",
    "Explain this picture from the documentation of {topic}.",
    "What can be seen here, and what does the documentation of {topic} say about it?",
)
PIECE_ROWS = 256  # Pictures are large.
PICTURES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
PARTS = pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))
PICTURE_ROWS = pa.schema(
    [
        ("row_id", pa.string()),
        ("prompt_key", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", PARTS)]))),
        ("images", PICTURES),
        ("source", pa.string()),
        ("page", pa.string()),
        ("path", pa.string()),
        ("sha256", pa.string()),
        ("image_type", pa.string()),
    ]
)


def build_vision(
    lake: Lake, docs: Path, policy: VisionPolicy, limits: Limits, memory_limit: str
) -> tuple[duckdb.DuckDBPyConnection, Built]:
    """A connection with the tables `rows` and `fates` of the dataset, and the counts that account for every kept pair.

    `docs` holds the sources' folders. A picture that is gone or changed since its page was read is left out.
    """
    with Decoder(limits) as decoder:
        rows, left_out = picture_rows(kept_pairs(lake), docs, policy, decoder)
    connection = sql.connect(memory_limit)
    connection.register("pictures", pa.Table.from_pylist(rows, schema=PICTURE_ROWS))
    sql.create_table(connection, "rows", "documentation/vision_rows", segment=SEGMENT)
    connection.execute("CREATE TABLE fates (interaction_id VARCHAR, reason VARCHAR)")
    measures: dict[str, float | None] = {"picture_bytes": sum(len(row["images"][0]["bytes"]) for row in rows)}
    pieces = partial(table_rows, connection, PIECE_ROWS)
    return connection, Built(len(rows) + sum(left_out.values()), len(rows), left_out, measures, pieces)


def picture_rows(
    pairs: Sequence[Row], docs: Path, policy: VisionPolicy, decoder: Decoder
) -> tuple[list[Row], dict[str, int]]:
    """A row for every pair that has text and a raster image, the most confident first; and why others were left out."""
    chosen = sorted(pairs, key=lambda pair: (-pair["confidence"], pair["pair_id"]))
    left_out: Counter[str] = Counter()
    rows: list[Row] = []
    for pair in chosen:
        answer = answer_of(pair)
        picture = _unfit(pair, answer, policy, len(rows)) or copied(pair, docs, policy, decoder)
        if isinstance(picture, str):
            left_out[picture] += 1
        else:
            rows.append(_row(pair, answer, picture))
    return sorted(rows, key=lambda row: row["row_id"]), dict(sorted(left_out.items()))


def answer_of(pair: Row) -> str:
    """What the page says of a picture: its caption or alt where that says something, and the text around it."""
    named = next((name for name in (pair["caption"], pair["alt"]) if is_informative(name)), "")
    said = prose(pair["context"])
    return (f"{prose(named).rstrip('.')}. {said}" if named else said)[:ANSWER_CHARACTERS]


def _unfit(pair: Row, answer: str, policy: VisionPolicy, taken: int) -> str | None:
    if pair["format"] == "svg":
        return "svg_is_never_rendered"
    if not pair["headings"]:
        return "no_heading"
    if len(WORD.findall(answer)) < LEAST_WORDS:
        return "little_text"
    return "over_max_rows" if taken >= policy.max_rows else None


def copied(pair: Row, docs: Path, policy: VisionPolicy, decoder: Decoder) -> bytes | str:
    """The pair's picture, copied small; or why not: its file is no longer the one that was read, or is not decoded."""
    root = docs / pair["source"]
    path = (root / pair["path"]).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file() or sha256_file(path) != pair["sha256"]:
        return "changed_since"
    return decoder.small_copy(path, policy.longest_edge, policy.quality) or "not_decoded"


def _row(pair: Row, answer: str, picture: bytes) -> Row:
    row_id = sha256_text(f"{pair['pair_id']}\x1f{answer}")
    asked = ASKING[int(row_id[:8], 16) % len(ASKING)].format(topic=topic_of(pair))
    user = [{"type": "image", "text": None}, {"type": "text", "text": asked}]
    return {
        "row_id": row_id,
        "prompt_key": page_key(pair),
        "messages": [
            {"role": "user", "content": user},
            {"role": "assistant", "content": [{"type": "text", "text": answer}]},
        ],
        "images": [{"bytes": picture, "path": f"{pair['sha256'][:20]}.webp"}],
        **{name: pair[name] for name in ("source", "page", "path", "sha256", "image_type")},
    }
