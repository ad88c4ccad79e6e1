"""Prose of documentation as training text, and the keys of its rows: what all datasets of documentation share."""

import re
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from rl_assets.core.files import sha256_text
from rl_assets.documentation.confidence import WORD, count_words

# Documentation about markdown shows image markup as text; a training row contains none of it. Only whole images of one
# line count: a bare `![` is text, and so is code like `vec![1, 2]`. For Python and for DuckDB, so without look-behind.
IMAGE_MARKUP = (
    r"!\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]\((?:[^()\n]|\([^()\n]*\))*\)"
    r"|\B!\[[^\[\]\n]*\]\[[^\[\]\n]*\]|\B!\[\[[^\[\]\n]+\]\]"
    r"|<(?:img|image)\b(?:(?:\"[^\"\n]*\"|'[^'\n]*'|[^<>\"'\n])*>|[^<>\n]*>)"
)
MARKUP = re.compile(IMAGE_MARKUP, re.IGNORECASE | re.ASCII)
# What is left of an image where a text was cut off.
CUT_MARKUP = re.compile(r"!\[[^\[\]]*\]\([^()]*$|<(?:img|image)\s+[\w:.@-]+=[^<>]*$", re.IGNORECASE)
MIN_WORDS = 12
ANSWER_CHARACTERS = 800
DESCRIPTION_CHARACTERS = 120
Row = dict[str, Any]


def prose(text: str) -> str:
    """The text in one line, without image markup."""
    line = MARKUP.sub(" ", " ".join(text.split()))
    return " ".join(CUT_MARKUP.sub(" ", line).split())


def shows_markup(text: str) -> bool:
    """The text shows an image as markup, which no row may."""
    return MARKUP.search(text) is not None


def reason_without_prose(row: Row, text: str) -> str | None:
    """Why a row makes no question: no heading to ask about, too little text to answer with, markup in either."""
    if not row["headings"]:
        return "no_heading"
    if shows_markup(text) or shows_markup(topic_of(row)):
        return "image_markup"
    return "too_few_words" if count_words(text) < MIN_WORDS else None


def describe(image: Row) -> str:
    """The description of an image in a catalogue: its alt or caption, else the words of its file name; and its type."""
    return f"{_named(image['alt'] or image['caption'] or image['title'], image['path'])} ({image['image_type']})"


@lru_cache(maxsize=100_000)
def _named(text: str, path: str) -> str:
    return (prose(text) or " ".join(WORD.findall(PurePosixPath(path).stem)))[:DESCRIPTION_CHARACTERS]


def catalogue_line(image: Row) -> str:
    """Path and description of an image, as a catalogue shows them."""
    return f"{image['path']}: {describe(image)}"


def topic_of(row: Row) -> str:
    """The two nearest headings."""
    return prose(" > ".join(row["headings"][-2:]))


def row_key(row: Row, suffix: str) -> str:
    """Source, page and suffix, joined so that no two of them run together."""
    return "\x1f".join([row["source"], row["page"], suffix])


def page_key(row: Row) -> str:
    """The key that decides the split of all rows of a page."""
    return sha256_text(row_key(row, "page"))
