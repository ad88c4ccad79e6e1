"""Thumbnails for the UI, each with the text it belongs to. Texts are shown as code, never rendered."""

import base64
import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.image_info import Limits, small_copy

MAX_PAIRS = 12
MAX_ROWS = 5
CELL_CHARACTERS = 160


def gallery(pairs: list[dict[str, Any]], root: Path, decoder: Decoder) -> str:
    """Markdown table of up to 12 kept pairs spread over the source, thumbnails as data URIs; "none" without any."""
    kept = [pair for pair in pairs if pair["kept"]]
    if not kept:
        return "none"
    selected = kept[:: max(1, len(kept) // MAX_PAIRS)][:MAX_PAIRS]
    rows = [_pair_row(pair, decoder.small_copy(root / pair["path"])) for pair in selected]
    return "\n".join(["| image | type | confidence | page | text |", "|---|---|---|---|---|", *rows])


def vision_gallery(dataset: Path) -> str:
    """Markdown table of the first training rows of a published vision dataset, images as small data URIs."""
    rows = next(pq.ParquetFile(dataset / "train.parquet").iter_batches(MAX_ROWS), None)
    if rows is None:
        return "none"
    lines = [_conversation_row(row) for row in rows.to_pylist()]
    return "\n".join(["| image | question | answer |", "|---|---|---|", *lines])


def _pair_row(pair: dict[str, Any], thumbnail: bytes | None) -> str:
    image = _image(thumbnail) if thumbnail else f"`{pair['format']}`"
    text = pair["alt"] or pair["caption"] or pair["text_before"]
    cells = [image, pair["image_type"], f"{pair['confidence']:.2f}", _code(pair["page"]), _code(text)]
    return f"| {' | '.join(cells)} |"


def _conversation_row(row: dict[str, Any]) -> str:
    thumbnail = small_copy(io.BytesIO(row["images"][0]["bytes"]), Limits())
    question, answer = (message["content"][-1]["text"] for message in row["messages"])
    return f"| {_image(thumbnail)} | {_code(question)} | {_code(answer)} |"


def _image(thumbnail: bytes | None) -> str:
    return f"![ ](data:image/webp;base64,{base64.b64encode(thumbnail).decode('ascii')})" if thumbnail else "`none`"


def _code(text: str) -> str:
    one_line = " ".join(text.split())
    shown = one_line[:CELL_CHARACTERS].replace("`", "'").replace("|", "¦")
    return f"`{shown or ' '}{'…' if len(one_line) > CELL_CHARACTERS else ''}`"
