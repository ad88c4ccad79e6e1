"""Pairs of published documentation, each labelled by hand: does this image show what the text around it is about?

The rule: a reader whose question the nearest heading and paragraphs answer would be helped by seeing this very image.
Company and product logos, sample pictures that stand for any picture, fragments that show nothing on their own, and
pictures with no text around them are 0. Alt text plays no part, since the model sees it. Every pair with a readable
file of the four sites that have image files is labelled, in page order, by one reader.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.extraction import extract
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.sources import open_source

LABELS = Path(__file__).parent / "labels.jsonl"


def labels() -> list[dict[str, Any]]:
    return [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]


def labelled_pairs(published: Path) -> list[tuple[dict[str, Any], int]]:
    """(pair, label) for every label, from the documentation below `published`."""
    wanted = {(row["source"], row["page"], row["path"], row["nth"]): row["label"] for row in labels()}
    found = []
    with Decoder() as decoder:
        for name in sorted({source for source, *_ in wanted}):
            nth: Counter[tuple[str, str]] = Counter()
            for pair in extract(open_source(published / name, "tree", Limits()), {}, decoder).pairs:
                key = (name, pair["page"], pair["path"], nth[pair["page"], pair["path"]])
                nth[pair["page"], pair["path"]] += 1
                if key in wanted:
                    found.append((pair, wanted[key]))
    return found
