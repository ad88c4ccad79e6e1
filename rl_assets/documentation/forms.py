"""Block forms of documentation tools, one function each: what the lines of a box, a figure or a template tag become.

A form reads the line it may start at and, if it spans several, the lines after it; it returns what stands in their
place, line for line, so that line numbers never change. Markers vanish; a title becomes `<x-title>`, a caption
`<x-caption>`, an image an `<img>`, a template tag one line. Sources of the forms: Material for MkDocs and PyMdown
(`!!!`, `===`, `///`), Docusaurus and VitePress (`:::note`), GitHub and Obsidian (`> [!NOTE]`), MyST and Sphinx
(```{figure}, `.. image::`), Hugo (`{{< figure >}}`), Jekyll (`{% include %}`), Python-Markdown (definition lists,
footnotes, attribute lists).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import Self

from rl_assets.documentation.image_markup import image_tag
from rl_assets.documentation.templates import HIDDEN_END, HIDDEN_START, tag_at

MAX_LINES = 60  # Of a figure or a template tag.
MAX_HIDDEN_LINES = 500
MAX_CHARACTERS = 5000  # Of a line.
# No form starts otherwise, so most lines are compared with none.
START = re.compile(r"\s*(?:[!?=:/\[(>`~%]|\{[{%]|\.\. )")
INDENTED_BOX = re.compile(r"(?:!!!|\?\?\?\+?|===[!+]?)[ \t]+[\w\"].*")
QUOTED_TITLE = re.compile(r'"([^"]*)"')
INDENTED_TEXT = re.compile(r"\[\^[^\]\s]{1,100}\]:(?=\s|$)|:(?= {1,3}\S)")
CALLOUT = re.compile(r"((?:[ \t]*>)+[ \t]*)\[![\w-]{1,40}\](?:\|[\w-]*)?[+-]?[ \t]*(.*)")
COLONS = re.compile(
    r"\s*:{3,}[ \t]*(?:\{\.?([\w:.-]+)[^}]*\}|([\w.-]+))?[ \t]*(?:\[([^\]]*)\]|([^\[{].*))?(?:\{[^}]*\})?\s*"
)
DIRECTIVE = re.compile(r"(\s*)(`{3,}|~{3,}|:{3,})[ \t]*\{([\w:.-]+)\}[ \t]*(.*?)\s*")
FIGURES = ("figure", "image")
BOXES = re.compile(
    r"note|tip|hint|important|warning|caution|danger|error|attention|seealso|admonition|dropdown|details|div|margin|aside|"
    r"sidebar|topic|container|tab-set|tab-item|grid|grid-item|grid-item-card|card|card-carousel|figure-md|epigraph|"
    r"pull-quote|exercise|solution|eval-rst|list-table|subfigure|tabbed|toggle|hlist|panels|prf:\w+",
    re.IGNORECASE,
)
CODE_DIRECTIVES = re.compile(r"code|code-block|code-cell|sourcecode|math|mermaid|literalinclude|raw", re.IGNORECASE)
# Boxes whose argument is a layout or a name.
UNTITLED = (
    *("figure-md", "subfigure", "grid", "card-carousel", "container", "div", "tab-set", "eval-rst", "hlist", "panels"),
)
CARD_IMAGES = ("img-top", "img-bottom", "img-background")
OPTION = re.compile(r"\s*:?([\w-]+):[ \t]*(.*?)\s*")
OPTION_BLOCK = "---"
RST_IMAGE = re.compile(r"(\s*)\.\. (image|figure)::[ \t]+(\S.*?)\s*")
SLASHES = re.compile(r"\s*/{3,}[ \t]*([\w-]*)[ \t]*(?:\|(.*))?.*")
CAPTIONS = ("caption", "figure-caption")
TAG_START = re.compile(r"\s*\{(?:\{[<%]|%)")
TAG_END = re.compile(r"[>%]\}")
WIKI_COMMENT = "%%"
TARGET = re.compile(r"\s*\([\w:./-]{1,200}\)=\s*")
MYST_COMMENT = re.compile(r" {0,3}%[ \t].*")
DEFINITION = re.compile(
    r"( {0,3}\[[^\]\n]{1,999}\]:[ \t]*(?:<[^<>\n]*>|\S+)(?:[ \t]+(?:\"[^\"]*\"|'[^']*'))?)[ \t]+\{[^{}\n]*\}\s*"
)


@dataclass(frozen=True)
class Form:
    """What the first lines become; the content that follows has an `indent`, or ends at the line `closer`."""

    lines: Sequence[str]
    indent: int = 0
    closer: str = ""

    @classmethod
    def titled(cls, title: str | None, indent: int = 0, closer: str = "") -> Self:
        """A box of which only the title remains."""
        return cls([f"<x-title>{title.strip()}</x-title>" if title and title.strip() else ""], indent, closer)


@dataclass(frozen=True)
class Lines:
    """The line at which a form may start, and those after it; all lie in a box of the given depth."""

    page: Sequence[str]
    position: int
    depth: int

    @property
    def first(self) -> str:
        return self.page[self.position][self.depth :]

    def after(self, limit: int = MAX_LINES) -> list[str]:
        """The lines after the first, as many as a form may have."""
        return [line[self.depth :] for line in self.page[self.position + 1 : self.position + limit]]


def form_at(lines: Lines) -> Form | None:
    """The form that starts at the first of the lines, if any."""
    if not START.match(lines.first) or len(lines.first) > MAX_CHARACTERS:
        return None
    return next((form for read in FORMS if (form := read(lines))), None)


def _indented_box(lines: Lines) -> Form | None:
    """`!!! note "Title"`, `??? tip`, `=== "Tab"`, with indented content."""
    if not INDENTED_BOX.fullmatch(lines.first.strip()):
        return None
    title = QUOTED_TITLE.search(lines.first)
    return Form.titled(title[1] if title else "", indent=4)


def _indented_text(lines: Lines) -> Form | None:
    """`[^1]: a footnote` and `:   a definition`, whose further paragraphs are indented."""
    marker = INDENTED_TEXT.match(lines.first)
    return Form([lines.first[marker.end() :].lstrip()], indent=4) if marker else None


def _callout(lines: Lines) -> Form | None:
    """`> [!NOTE]`, `> [!tip]- Title`."""
    match = CALLOUT.fullmatch(lines.first)
    return Form([match[1] + Form.titled(match[2]).lines[0]]) if match else None


def _directive(lines: Lines) -> Form | None:
    """A MyST directive: a figure, or a box of markdown; any other remains code."""
    match = DIRECTIVE.fullmatch(lines.first)
    if match and match[3] in FIGURES:
        return _figure(match, lines)
    if not match or not match[3][0].isalnum():
        return None
    colons = match[2].startswith(":")
    if colons and CODE_DIRECTIVES.fullmatch(match[3]):
        return _directive_code(match, lines)
    return _directive_box(match, lines) if colons or BOXES.fullmatch(match[3]) else None


def _directive_code(match: re.Match[str], lines: Lines) -> Form | None:
    """`:::{code-block} md`: code up to the end of the directive."""
    after = lines.after(MAX_HIDDEN_LINES)
    end = next((n for n, line in enumerate(after, 2) if line.strip() == match[2]), 0)
    return Form([""] * end) if end else None


def _directive_box(match: re.Match[str], lines: Lines) -> Form:
    """A box: its title, and the image that a card names in its options."""
    title = Form.titled("" if match[3] in UNTITLED else match[4]).lines[0]
    images = [image_tag(value, "") if name in CARD_IMAGES else "" for name, value in _options(lines.after())]
    shown = [match[1] + line if line else "" for line in (title, *images)]
    return Form(shown, closer=match[2])


def _figure(match: re.Match[str], lines: Lines) -> Form | None:
    """A figure directive: options, then the caption, up to the fence's end."""
    after = lines.after()
    end = next((n for n, line in enumerate(after) if line.strip() == match[2]), None)
    if end is None:
        return None
    options = _options(after[:end])
    caption = " ".join(line.strip() for line in after[len(options) : end]).strip()
    image = image_tag(match[4], dict(options).get("alt", ""), caption=caption)
    return Form([match[1] + image, *[""] * (end + 1)])


def _options(content: Sequence[str]) -> list[tuple[str, str]]:
    """The options that open a directive, a line each: `:name: value`, or `name: value` between lines of `---`."""
    if content and content[0].strip() == OPTION_BLOCK:
        end = next((n for n, line in enumerate(content[1:], 2) if line.strip() == OPTION_BLOCK), 0)
        block = list(content[:end])
    else:
        block = list(takewhile(lambda line: line.lstrip().startswith(":") and OPTION.fullmatch(line), content))
    options = (OPTION.fullmatch(line) for line in block)
    return [(option[1].lower(), option[2]) if option else ("", "") for option in options]


def _rst_image(lines: Lines) -> Form | None:
    """`.. image:: x.png` with the options below it; a `.. figure::` has a caption below them."""
    match = RST_IMAGE.fullmatch(lines.first)
    if not match:
        return None
    indented = list(takewhile(lambda line: line.startswith(match[1] + " ") or not line.strip(), lines.after()))
    options = _options(indented)
    below = list(dropwhile(lambda line: not line.strip(), indented[len(options) :])) if match[2] == "figure" else []
    caption = list(takewhile(str.strip, below))
    length = len(indented) - len(below) + len(caption) if caption else len(options)
    text = " ".join(line.strip() for line in caption)
    return Form([match[1] + image_tag(match[3], dict(options).get("alt", ""), caption=text), *[""] * length])


def _colons(lines: Lines) -> Form | None:
    """`:::note`, `:::tip[Title]`, `::: warning Title`, `:::{.class}` and the end of each."""
    match = COLONS.fullmatch(lines.first)
    return Form.titled(match[3] or match[4]) if match else None


def _slashes(lines: Lines) -> Form | None:
    """`/// note | Title`, and `/// caption` of the image before it, with the end of each."""
    match = SLASHES.fullmatch(lines.first)
    if not match:
        return None
    if match[1] not in CAPTIONS:
        return Form.titled(match[2])
    after = lines.after()
    end = next((n for n, line in enumerate(after) if SLASHES.fullmatch(line)), 0)
    caption = " ".join(line.strip() for line in after[:end]).strip()
    return Form([f"<x-caption>{caption}</x-caption>", *[""] * (end + 1)]) if caption else Form([""])


def _target(lines: Lines) -> Form | None:
    """`(name)=` of MyST: what other pages refer to."""
    return Form([""]) if TARGET.fullmatch(lines.first) else None


def _template_tag(lines: Lines) -> Form | None:
    """`{{< figure src="x.png" >}}` over several lines, as one; a tag without an image vanishes."""
    if not TAG_START.match(lines.first):
        return None
    text = [lines.first]
    if not TAG_END.search(lines.first):
        after = lines.after()
        text += after[: next((n for n, line in enumerate(after, 1) if TAG_END.search(line)), 0)]
    start = "\n".join(text).lstrip()
    tag = tag_at(start)
    if not tag or start[tag.end :].strip():
        return None
    indent = lines.first[: -len(lines.first.lstrip())]
    line = indent + " ".join(start.split("\n")) if tag.html() else ""
    return Form([line, *[""] * (len(text) - 1)])


def _hidden(lines: Lines) -> Form | None:
    """`{% comment %}`, `{% highlight %}` and `%%` of Obsidian, to the line that ends it."""
    first = lines.first.strip()
    if first != WIKI_COMMENT and (not HIDDEN_START.match(first) or HIDDEN_END.search(first)):
        return None
    after = lines.after(MAX_HIDDEN_LINES)
    ends = (line.rstrip().endswith(first) if first == WIKI_COMMENT else HIDDEN_END.search(line) for line in after)
    length = next((n for n, end in enumerate(ends, 1) if end), 0)
    return Form([""] * (1 + length)) if length else None


def _comment_line(lines: Lines) -> Form | None:
    """`% a comment` of MyST, which starts a paragraph or follows another."""
    before = lines.page[lines.position - 1].strip() if lines.position else ""
    if before and not before.startswith("%"):
        return None
    return Form([""]) if MYST_COMMENT.fullmatch(lines.first) else None


def _definition(lines: Lines) -> Form | None:
    """`[name]: x.png { width=300 }`: a reference with attributes."""
    match = DEFINITION.fullmatch(lines.first)
    return Form([match[1]]) if match else None


FORMS: tuple[Callable[[Lines], Form | None], ...] = (
    *(_indented_box, _indented_text, _callout, _directive, _rst_image, _colons, _slashes, _hidden, _comment_line),
    *(_target, _template_tag, _definition),
)
