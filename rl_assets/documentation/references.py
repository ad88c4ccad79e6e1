"""Every image that a page shows, in document order, with the text around it. Nothing is opened or fetched here."""

import re
from dataclasses import dataclass, field
from typing import Any

from rl_assets.documentation.markdown import LINE, walk

CONTEXT_PARAGRAPHS = 2  # On each side of an image.
CONTEXT_CHARACTERS = 1000
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
BLOCKS = {
    *HEADINGS,
    *("p", "li", "ul", "ol", "dl", "dt", "dd", "td", "th", "tr", "table", "blockquote", "div", "section", "article"),
    *("figure", "figcaption", "details", "summary", "center", "hr", "br", "body", "aside", "main", "header", "footer"),
}
IGNORED = {"pre", "script", "style", "head", "template", "textarea"}
# What HTML itself defines besides <img>; anything else that names an image file is a component of the site's framework.
NO_COMPONENT = {"a", "audio", "body", "embed", "iframe", "input", "link", "meta", "object", "script", "source", "td"}
NO_COMPONENT |= {"table", "th", "track", "video", "svg", "image", "use"}
COMPONENT_ATTRIBUTES = ("src", "img", "image", "lightsrc", "darksrc")
IMAGE_FILE = re.compile(r"[^\s{}]+\.(?:png|jpe?g|gif|webp|avif|svg|bmp)(?:[?#]\S*)?", re.IGNORECASE)
# An item cannot run into the next without a space, so each text has a single match and nothing backtracks for long.
ATTRIBUTE = r"(?:[.#][\w-]+|[\w-]+(?:=(?:\"[^\"]*\"|'[^']*'|[^\s}\"']+))?)"
ATTRIBUTE_LIST = re.compile(rf"\{{:?\s*(?:{ATTRIBUTE}(?:\s+{ATTRIBUTE}){{0,50}})?\s*\}}")
CARD_DEPTH = 3  # html, body and the image itself; any other open element is a card, a cell or a figure.


@dataclass
class Reference:
    """An image as a page shows it: position, names, and the text around it with all markup removed."""

    line: int
    tag: str
    src: str
    alt: str
    title: str
    caption: str
    linked: bool
    headings: tuple[str, ...]
    container: int
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    @property
    def text_before(self) -> str:
        return self.before[-1] if self.before else ""

    @property
    def text_after(self) -> str:
        return self.after[0] if self.after else ""

    @property
    def context(self) -> str:
        """Up to two paragraphs on each side, from the same section."""
        around = [*self.before[-CONTEXT_PARAGRAPHS:], *self.after[:CONTEXT_PARAGRAPHS]]
        return " ".join(around)[:CONTEXT_CHARACTERS]


@dataclass(frozen=True)
class Section:
    """The text of a section that shows no image."""

    headings: tuple[str, ...]
    text: str


def references(html: str, components: bool = True) -> list[Reference]:
    """The images of an HTML page in document order; with `components` also those that a site's own tags name."""
    return parse_page(html, components)[0]


def parse_page(html: str, components: bool = True) -> tuple[list[Reference], list[Section]]:
    """The images of an HTML page, and its sections without any, in document order."""
    page = _PageParser(components)
    for node, enters in walk(html):
        page.enter(node) if enters else page.leave(node)
    page.end_section()
    return page.references, page.sections


class _PageParser:
    """Collects references during one pass over a document, node by node."""

    def __init__(self, components: bool) -> None:
        self.components = components
        self.references: list[Reference] = []
        self.sections: list[Section] = []
        self.references_before_section = 0
        # References that still lack paragraphs after them.
        self.incomplete: list[Reference] = []
        self.paragraphs: list[str] = []
        self.text: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.captions: list[str] = []
        self.ignored = self.links = 0
        self.figures: list[list[Reference]] = []
        self.open: list[int] = []

    def enter(self, node: Any) -> None:
        tag = node.tag or "-other"
        if tag == "-text":
            if not self.ignored:
                self.text.append(node.text_content or "")
            return
        if tag in BLOCKS:
            self.end_paragraph()
        if tag in HEADINGS:
            self.end_section()
        self.ignored += tag in IGNORED
        self.links += tag == "a"
        if tag == "figure":
            self.figures.append([])
        if not tag.startswith(("-", "#")):
            if tag != "p":
                self.open.append(node.mem_id)
            self.captions.append(_one_line(node.attributes.get("caption")))
            self.image(tag, node.attributes)

    def leave(self, node: Any) -> None:
        tag = node.tag or "-other"
        if tag.startswith(("-", "#")):
            return
        self.captions.pop()
        if tag != "p":
            self.open.pop()
        self.ignored -= tag in IGNORED
        self.links -= tag == "a"
        if tag in HEADINGS:
            self.end_heading(int(tag[1]))
        elif tag == "figcaption":
            self.end_caption()
        elif tag in BLOCKS:
            self.end_paragraph()
        if tag == "figure":
            self.figures.pop()

    def image(self, tag: str, attributes: dict[str, str | None]) -> None:
        src = _image_source(tag, attributes, self.components)
        if src is None:
            return
        self.end_paragraph()
        reference = Reference(
            line=int(attributes.get(LINE) or 1),
            tag=tag,
            src=src,
            alt=_one_line(attributes.get("alt")),
            title=_one_line(attributes.get("title")),
            caption=next((caption for caption in reversed(self.captions) if caption), ""),
            linked=self.links > 0,
            headings=self.heading_texts(),
            container=self.open[-2] if len(self.open) > CARD_DEPTH else 0,
            before=self.paragraphs[-CONTEXT_PARAGRAPHS:],
        )
        self.references.append(reference)
        self.incomplete.append(reference)
        for figure in self.figures:
            figure.append(reference)

    def end_paragraph(self) -> None:
        text = self.pop_text()
        if text:
            self.paragraphs.append(text)
            for reference in self.incomplete:
                reference.after.append(text)
            self.incomplete = [one for one in self.incomplete if len(one.after) < CONTEXT_PARAGRAPHS]

    def end_heading(self, level: int) -> None:
        text = self.pop_text()
        self.headings = [(above, heading) for above, heading in self.headings if above < level]
        self.headings += [(level, text)] if text else []
        for reference in self.incomplete:
            reference.headings = self.heading_texts()

    def end_caption(self) -> None:
        text = self.pop_text()
        for reference in self.figures[-1] if self.figures else []:
            reference.caption = reference.caption or text

    def end_section(self) -> None:
        """Start a section; an image that opens a card belongs to the heading that follows it in the card."""
        self.end_paragraph()
        if self.paragraphs and len(self.references) == self.references_before_section:
            self.sections.append(Section(self.heading_texts(), " ".join(self.paragraphs)[:CONTEXT_CHARACTERS]))
        self.references_before_section = len(self.references)
        self.incomplete = [one for one in self.incomplete if one.container in self.open and not one.after]
        for reference in self.incomplete:
            reference.before = []
        self.paragraphs = []

    def heading_texts(self) -> tuple[str, ...]:
        return tuple(text for _, text in self.headings)

    def pop_text(self) -> str:
        text = _one_line(ATTRIBUTE_LIST.sub(" ", "".join(self.text)))
        self.text = []
        return text


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _image_source(tag: str, attributes: dict[str, str | None], components: bool) -> str | None:
    if tag == "img":
        return (attributes.get("src") or "").strip()
    if not components or tag in NO_COMPONENT or LINE not in attributes:
        return None
    values = ((attributes.get(name) or "").strip() for name in COMPONENT_ATTRIBUTES)
    return next((value for value in values if IMAGE_FILE.fullmatch(value)), None)
