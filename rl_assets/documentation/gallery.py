"""Thumbnails for the UI: what was kept, with the text it belongs to. Texts are shown as code, never rendered."""

import base64
import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.thumbnails import small_copy

SHOWN = 12
SHOWN_ROWS = 5
CELL = 160


def gallery(pairs: list[dict[str, Any]], root: Path, decoder: Decoder) -> str:
    """Markdown table of up to 12 kept pairs spread over the source, thumbnails as data URIs; "none" without any."""
    kept = [pair for pair in pairs if pair["kept"]]
    if not kept:
        return "none"
    chosen = kept[:: max(1, len(kept) // SHOWN)][:SHOWN]
    rows = [_row(pair, decoder.small_copy(root / pair["path"])) for pair in chosen]
    return "\n".join(["| image | type | confidence | page | text |", "|---|---|---|---|---|", *rows])


def picture_table(dataset: Path) -> str:
    """Markdown table of the first training rows of a published vision dataset, pictures as small data URIs."""
    rows = next(pq.ParquetFile(dataset / "train.parquet").iter_batches(SHOWN_ROWS), None)
    if rows is None:
        return "none"
    lines = [_conversation(row) for row in rows.to_pylist()]
    return "\n".join(["| image | question | answer |", "|---|---|---|", *lines])


def _conversation(row: dict[str, Any]) -> str:
    small = small_copy(io.BytesIO(row["images"][0]["bytes"]), Limits())
    asked, said = (message["content"][-1]["text"] for message in row["messages"])
    return f"| {_picture(small)} | {_code(asked)} | {_code(said)} |"


def _picture(small: bytes | None) -> str:
    return f"![ ](data:image/webp;base64,{base64.b64encode(small).decode('ascii')})" if small else "`none`"


def _row(pair: dict[str, Any], small: bytes | None) -> str:
    picture = _picture(small) if small else f"`{pair['format']}`"
    text = pair["alt"] or pair["caption"] or pair["text_before"]
    cells = [picture, pair["image_type"], f"{pair['confidence']:.2f}", _code(pair["page"]), _code(text)]
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    flat = " ".join(text.split())
    shown = flat[:CELL].replace("`", "'").replace("|", "¦")
    return f"`{shown or ' '}{'…' if len(flat) > CELL else ''}`"
