"""Markdown to an HTML document whose images know their line, by markdown-it-py (CommonMark) and lexbor (HTML 5).

One document model for every notation of an image: inline, by reference, linked, HTML with attributes in any order.
Images in code are ignored, since a renderer escapes them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from rl_assets.documentation.dialects import as_commonmark
from rl_assets.documentation.html_tags import START_TAG, TAG
from rl_assets.documentation.inline_images import add_rules
from rl_assets.documentation.inline_templates import add_template_rules
from rl_assets.documentation.templates import tag_at, with_quoted_templates

LINE = "data-rl-line"
# A self-closing component; HTML would read everything that follows as its content.
COMPONENT = re.compile(r"(?!Image$)[A-Z].*|x-.*")
# In a block of HTML: what holds code or nothing shown; and markdown images, which some tools read there, and templates.
HTML_BLOCK_PART = re.compile(
    r"<(/?)(?:pre|code|script|style|textarea)\b|(<!--)|(-->)|"
    r"(!\[\[[^\[\]\n]{1,500}\]\]|!\[[^\]\n]{0,500}\](?:\([^()\n]{1,1000}(?:\([^()\n]{0,200}\)[^()\n]{0,200})?\)|"
    rf"\[[^\]\n]{{0,500}}\]))|(?=\{{[{{%])(\{{)|{TAG}",
    re.IGNORECASE,
)


def parser(suffix: str = ".md", dialect: bool = False) -> MarkdownIt:
    """A CommonMark parser with tables; for ".mdx" without indented code and HTML blocks, which MDX lacks.

    With `dialect` it also reads images that other tools than CommonMark show.
    """
    commonmark = MarkdownIt("commonmark", {"html": True}).enable("table")
    # Links are recorded and resolved, never followed; a parser that drops some would hide images from the counts.
    commonmark.validateLink = lambda url: True  # type: ignore[method-assign]
    if dialect:
        add_rules(commonmark)
        add_template_rules(commonmark)
        # Templates stay as written, so that an excluded image has the name that its author gave it.
        encode = commonmark.normalizeLink
        commonmark.normalizeLink = lambda url: url if "{" in url else encode(url)  # type: ignore[method-assign]
    return commonmark.disable(["code", "html_block"]) if suffix == ".mdx" else commonmark


def to_html(text: str, suffix: str = ".md", dialect: bool = True) -> str:
    """The page as HTML; each image and HTML tag carries its line (from 1) as `data-rl-line`.

    `dialect=False` reads the text as plain CommonMark, front matter and all.
    """
    commonmark, env = parser(suffix if dialect else ".md", dialect), dict[str, Any]()
    tokens = commonmark.parse(as_commonmark(text, suffix) if dialect else text, env)
    for token in tokens:
        if dialect and token.type == "html_block":
            block = with_quoted_templates(token.content)
            token.content = _with_images(block, lambda image: commonmark.renderInline(image, env))
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


def _with_images(block: str, render: Callable[[str], str]) -> str:
    """A block of HTML with its markdown images and template tags rendered, other than those in code and comments."""
    kept, done, code, comment = list[str](), 0, 0, False
    for part in HTML_BLOCK_PART.finditer(block):
        if part.start() < done or part[6]:
            continue
        if part[2] or part[3]:
            comment = bool(part[2])
        elif not part[4] and not part[5]:
            code += 0 if comment else -1 if part[1] else 1
        elif not code and not comment and (shown := _shown(block, part, render)):
            kept += [block[done : part.start()], shown[0]]
            done = shown[1]
    return "".join([*kept, block[done:]])


def _shown(block: str, part: re.Match[str], render: Callable[[str], str]) -> tuple[str, int] | None:
    """The HTML of a markdown image or a template tag, and where it ends."""
    if part[4]:
        image = render(part[4])
        return (image, part.end()) if "<img" in image else None
    tag = tag_at(block, part.start())
    return (render(block[part.start() : tag.end]), tag.end) if tag else None


def _number(tokens: Sequence[Token]) -> None:
    for token in tokens:
        first = token.map[0] + 1 if token.map else 1
        if token.type == "html_block":
            token.content = _numbered(token.content, first)
        for child, line in _with_lines(token.children or [], first):
            if child.type == "image":
                child.attrs = {LINE: line, **child.attrs}
            elif child.type == "html_inline":
                child.content = _numbered(child.content, line)


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
    """HTML whose tags know their line, the first being `line`, and whose components have end tags."""
    kept, done = list[str](), 0
    for tag in START_TAG.finditer(html):
        if not tag[1]:
            continue
        line += html.count("\n", done, tag.end(1))
        kept += [html[done : tag.end(1)], f" {LINE}={line} "]
        done = tag.end(1)
        if tag[2].endswith("/") and html.startswith(">", tag.end()) and COMPONENT.fullmatch(tag[1]):
            line += html.count("\n", done, tag.end())
            kept += [html[done : tag.end() - 1], f"></{tag[1]}>"]
            done = tag.end() + 1
    return "".join([*kept, html[done:]])
