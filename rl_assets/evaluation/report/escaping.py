"""Text of models and users, made harmless: in a report it is data, whatever it says."""

import re

# Controls but tab and line feed, and the marks that reorder what is read (Trojan Source, CVE-2021-42574).
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
BACKTICKS = re.compile("`+")
# "://", "www." and "@" too: markdown makes links of bare addresses.
MARKDOWN = re.compile(r"([\\`*_\[\]()#!|<>~&@$]|(?<=www)\.|:(?=//))", re.IGNORECASE)


def printable(text: str) -> str:
    """The text with control characters, reordering marks and lone surrogates replaced by a visible mark."""
    return UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8"))


def markdown_text(text: str) -> str:
    """The text on one line with every character that markdown could act on escaped."""
    return MARKDOWN.sub(r"\\\1", " ".join(printable(text).split()))


def markdown_block(text: str) -> str:
    """A fenced block that the text cannot close: its fence is longer than any run of backticks in it."""
    clean = printable(text)
    fence = "`" * max(3, 1 + max((len(run) for run in BACKTICKS.findall(clean)), default=0))
    return f"{fence}text\n{clean}\n{fence}"
