"""Thumbnails for the UI: what was kept, with the text it belongs to. Texts are shown as code, never rendered."""

import base64
from pathlib import Path
from typing import Any

from rl_assets.images.decoding import Decoder
from rl_assets.images.facts import Limits

SHOWN = 12
CELL = 160


def gallery(pairs: list[dict[str, Any]], root: Path, limits: Limits) -> str:
    """Markdown table of up to 12 kept pairs spread over the source, thumbnails as data URIs; "none" without any."""
    kept = [pair for pair in pairs if pair["kept"]]
    if not kept:
        return "none"
    chosen = kept[:: max(1, len(kept) // SHOWN)][:SHOWN]
    with Decoder(limits) as decoder:
        rows = [_row(pair, decoder.thumbnail(root / pair["path"])) for pair in chosen]
    return "\n".join(["| image | type | confidence | page | text |", "|---|---|---|---|---|", *rows])


def _row(pair: dict[str, Any], small: bytes | None) -> str:
    encoded = base64.b64encode(small or b"").decode("ascii")
    picture = f"![ ](data:image/webp;base64,{encoded})" if small else f"`{pair['format']}`"
    text = pair["alt"] or pair["caption"] or pair["text_before"]
    cells = [picture, pair["image_type"], f"{pair['confidence']:.2f}", _code(pair["page"]), _code(text)]
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    shown = " ".join(text.split())[:CELL].replace("`", "'").replace("|", "¦")
    return f"`{shown or ' '}`"
