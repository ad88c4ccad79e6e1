"""Markdown to an HTML document whose images know their line, by markdown-it-py (CommonMark) and lexbor (HTML 5).

One document model for every notation of an image: inline, by reference, linked, HTML with attributes in any order.
Images in code are ignored, since a renderer escapes them.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from rl_assets.documentation.dialects import as_commonmark

LINE = "data-rl-line"
# A self-closing component; HTML would read everything that follows as its content.
SELF_CLOSED = re.compile(r"<((?!Image\b)[A-Z][\w.]*|x-[\w.]+)((?:[^<>\"']|\"[^\"]*\"|'[^']*'){0,2000})/>")
START_TAG = re.compile(r"<([A-Za-z][\w.:-]*)(?=[\s/>]|$)")


def parser(suffix: str = ".md") -> MarkdownIt:
    """A CommonMark parser with tables; for ".mdx" without indented code and HTML blocks, which MDX lacks."""
    commonmark = MarkdownIt("commonmark", {"html": True}).enable("table")
    # Links are recorded and resolved, never followed; a parser that drops some would hide images from the counts.
    commonmark.validateLink = lambda url: True  # type: ignore[method-assign]
    return commonmark.disable(["code", "html_block"]) if suffix == ".mdx" else commonmark


def to_html(text: str, suffix: str = ".md", dialect: bool = True) -> str:
    """The page as HTML; each image and HTML tag carries its line (from 1) as `data-rl-line`.

    `dialect=False` reads the text as plain CommonMark, front matter and all.
    """
    commonmark = parser(suffix if dialect else ".md")
    tokens = commonmark.parse(as_commonmark(text, suffix) if dialect else text)
    _number(tokens)
    return str(commonmark.renderer.render(tokens, commonmark.options, {}))


def walk(html: str) -> Iterator[tuple[Any, bool]]:
    """(node, entering) of the HTML as a browser would build it, in document order.

    Without recursion, since pages may be nested deeply.
    """
    tree = LexborHTMLParser(html)
    node = tree.root
    while node is not None:
        yield node, True
        if node.first_child is not None:
            node = node.first_child
            continue
        yield node, False
        while node.next is None:
            node = node.parent
            if node is None or node.tag == "-document":
                return
            yield node, False
        node = node.next


def _number(tokens: Sequence[Token]) -> None:
    for token in tokens:
        first = token.map[0] + 1 if token.map else 1
        if token.type == "html_block":
            closed = SELF_CLOSED.sub(r"<\1\2></\1>", token.content)
            numbered = (_numbered(line, first + i) for i, line in enumerate(closed.split("\n")))
            token.content = "\n".join(numbered)
        for child, line in _with_lines(token.children or [], first):
            if child.type == "image":
                child.attrs = {LINE: line, **child.attrs}
            elif child.type == "html_inline":
                child.content = _numbered(SELF_CLOSED.sub(r"<\1\2></\1>", child.content), line)


def _with_lines(children: Sequence[Token], line: int) -> Iterator[tuple[Token, int]]:
    """Inline tokens with the lines they start on."""
    for child in children:
        yield child, line
        line += _line_breaks(child)


def _line_breaks(token: Token) -> int:
    own = token.type in ("softbreak", "hardbreak")
    within = token.content.count("\n") if token.type == "html_inline" else 0
    return own + within + sum(_line_breaks(child) for child in token.children or [] if token.type == "image")


def _numbered(html: str, line: int) -> str:
    return START_TAG.sub(lambda tag: f"{tag[0]} {LINE}={line} ", html)
