"""Every image that a page shows, in order, with what stands around it. Nothing is opened and nothing is fetched here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rl_assets.images.markdown import LINE, document

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
BLOCKS = {
    *HEADINGS,
    *("p", "li", "ul", "ol", "dl", "dt", "dd", "td", "th", "tr", "table", "blockquote", "div", "section", "article"),
    *("figure", "figcaption", "details", "summary", "center", "hr", "br", "body", "aside", "main", "header", "footer"),
}
UNREAD = {"pre", "script", "style", "head", "template", "textarea"}
# What HTML itself defines besides <img>; anything else that names an image file is a component of the site's framework.
NO_COMPONENT = {"a", "audio", "body", "embed", "iframe", "input", "link", "meta", "object", "script", "source", "td"}
NO_COMPONENT |= {"table", "th", "track", "video", "svg", "image", "use"}
COMPONENT_ATTRIBUTES = ("src", "img", "image", "lightsrc", "darksrc")
IMAGE_FILE = re.compile(r"[^\s{}]+\.(?:png|jpe?g|gif|webp|avif|svg|bmp)(?:[?#]\S*)?", re.IGNORECASE)
ATTRIBUTE_LIST = re.compile(r"\{:?(?:\s*(?:[.#][\w-]+|[\w-]+(?:=(?:\"[^\"]*\"|'[^']*'|[^\s}]+))?))*\s*\}")
CARD_DEPTH = 3  # html, body and the image itself; what is open besides is a card, a cell, a figure.
NEAR = 2  # Paragraphs on each side that make the context.
CONTEXT_CHARACTERS = 1000


@dataclass
class Reference:
    """An image as a page shows it: where, how it is named, and the text around it with all markup removed."""

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
        return " ".join([*self.before[-NEAR:], *self.after[:NEAR]])[:CONTEXT_CHARACTERS]


def references(html: str, components: bool = True) -> list[Reference]:
    """The images of an HTML page in document order; with `components` also those that a site's own tags name."""
    reader = _Reader(components)
    for node, enters in _walk(document(html).root):
        reader.enter(node) if enters else reader.leave(node)
    reader.end_section()
    return reader.found


def _walk(root: Any) -> Iterator[tuple[Any, bool]]:
    """(node, entering) in document order without recursion: pages may nest as deep as their author liked."""
    node = root
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


class _Reader:
    """Collects references while a document passes by: a paragraph, a heading, an image at a time."""

    def __init__(self, components: bool) -> None:
        self.components = components
        self.found: list[Reference] = []
        self.section: list[Reference] = []
        self.paragraphs: list[str] = []
        self.text: list[str] = []
        self.trail: list[tuple[int, str]] = []
        self.captions: list[str] = []
        self.unread = self.links = self.in_caption = 0
        self.figures: list[list[Reference]] = []
        self.open: list[int] = []

    def enter(self, node: Any) -> None:
        tag = node.tag or "-other"
        if tag == "-text":
            if not self.unread:
                self.text.append(node.text_content or "")
            return
        if tag in BLOCKS:
            self.end_paragraph()
        if tag in HEADINGS:
            self.end_section()
        self.unread += tag in UNREAD
        self.links += tag == "a"
        if tag == "figure":
            self.figures.append([])
        if not tag.startswith(("-", "#")):
            if tag != "p":
                self.open.append(node.mem_id)
            self.captions.append(" ".join((node.attributes.get("caption") or "").split()))
            self.image(tag, node.attributes)

    def leave(self, node: Any) -> None:
        tag = node.tag or "-other"
        if tag.startswith(("-", "#")):
            return
        self.captions.pop()
        if tag != "p":
            self.open.pop()
        self.unread -= tag in UNREAD
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
            alt=" ".join((attributes.get("alt") or "").split()),
            title=" ".join((attributes.get("title") or "").split()),
            caption=next((caption for caption in reversed(self.captions) if caption), ""),
            linked=self.links > 0,
            headings=tuple(text for _, text in self.trail),
            container=self.open[-2] if len(self.open) > CARD_DEPTH else 0,
            before=self.paragraphs[-NEAR:],
        )
        self.found.append(reference)
        self.section.append(reference)
        for figure in self.figures:
            figure.append(reference)

    def end_paragraph(self) -> None:
        text = self.take_text()
        if text:
            self.paragraphs.append(text)
            for reference in self.section:
                reference.after.append(text)
            self.section = [reference for reference in self.section if len(reference.after) < NEAR]

    def end_heading(self, level: int) -> None:
        text = self.take_text()
        self.trail = [(above, words) for above, words in self.trail if above < level]
        self.trail += [(level, text)] if text else []
        for reference in self.section:
            reference.headings = tuple(words for _, words in self.trail)

    def end_caption(self) -> None:
        text = self.take_text()
        for reference in self.figures[-1] if self.figures else []:
            reference.caption = reference.caption or text

    def end_section(self) -> None:
        """Start a section; a picture that opens a card whose heading comes now belongs to that heading."""
        self.end_paragraph()
        self.section = [found for found in self.section if found.container in self.open and not found.after]
        for reference in self.section:
            reference.before = []
        self.paragraphs = []

    def take_text(self) -> str:
        text = " ".join(ATTRIBUTE_LIST.sub(" ", "".join(self.text)).split())
        self.text = []
        return text


def _image_source(tag: str, attributes: dict[str, str | None], components: bool) -> str | None:
    if tag == "img":
        return (attributes.get("src") or "").strip()
    if not components or tag in NO_COMPONENT or LINE not in attributes:
        return None
    values = ((attributes.get(name) or "").strip() for name in COMPONENT_ATTRIBUTES)
    return next((value for value in values if IMAGE_FILE.fullmatch(value)), None)
