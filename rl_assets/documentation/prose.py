"""Prose of documentation as training text, and the keys of its rows: what all datasets of documentation share."""

import re
from typing import Any

from rl_assets.core.files import sha256_text
from rl_assets.documentation.confidence import WORD

# Documentation about markdown shows image markup as text; a training row contains none of it.
MARKUP = re.compile(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])?|<img\b[^>]*>?|<image\b[^>]*>?", re.IGNORECASE)
MIN_WORDS = 12
ANSWER_CHARACTERS = 800
Row = dict[str, Any]


def prose(text: str) -> str:
    """The text in one line, without image markup."""
    return " ".join(MARKUP.sub(" ", text).split())


def reason_without_prose(row: Row, text: str) -> str | None:
    """Why a row makes no question: it has no heading to ask about, or too little text to answer with."""
    if not row["headings"]:
        return "no_heading"
    return "too_few_words" if len(WORD.findall(text)) < MIN_WORDS else None


def topic_of(row: Row) -> str:
    """The two nearest headings."""
    return prose(" > ".join(row["headings"][-2:]))


def row_key(row: Row, suffix: str) -> str:
    """Source, page and suffix, joined so that no two of them run together."""
    return "\x1f".join([row["source"], row["page"], suffix])


def page_key(row: Row) -> str:
    """The key that decides the split of all rows of a page."""
    return sha256_text(row_key(row, "page"))
