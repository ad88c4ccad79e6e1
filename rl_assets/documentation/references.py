"""Every image that a page shows, in order, with what stands around it. Nothing is opened or fetched here."""

import re
from typing import Any

from rl_assets.documentation.markdown import LINE, walk
from rl_assets.documentation.reference import CONTEXT_CHARACTERS, NEAR, Reference, Section

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
# An item cannot run into the next without a space, so there is one way to read a text and no blow-up on odd ones.
ATTRIBUTE = r"(?:[.#][\w-]+|[\w-]+(?:=(?:\"[^\"]*\"|'[^']*'|[^\s}\"']+))?)"
ATTRIBUTE_LIST = re.compile(rf"\{{:?\s*(?:{ATTRIBUTE}(?:\s+{ATTRIBUTE}){{0,50}})?\s*\}}")
CARD_DEPTH = 3  # html, body and the image itself; what is open besides is a card, a cell, a figure.


def references(html: str, components: bool = True) -> list[Reference]:
    """The images of an HTML page in document order; with `components` also those that a site's own tags name."""
    return read_page(html, components)[0]


def read_page(html: str, components: bool = True) -> tuple[list[Reference], list[Section]]:
    """The images of an HTML page, and its sections without any, in document order."""
    reader = _Reader(components)
    for node, enters in walk(html):
        reader.enter(node) if enters else reader.leave(node)
    reader.end_section()
    return reader.found, reader.plain


class _Reader:
    """Collects references while a document passes by: a paragraph, a heading, an image at a time."""

    def __init__(self, components: bool) -> None:
        self.components = components
        self.found: list[Reference] = []
        self.plain: list[Section] = []
        self.shown = 0
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
        if self.paragraphs and len(self.found) == self.shown:
            text = " ".join(self.paragraphs)[:CONTEXT_CHARACTERS]
            self.plain.append(Section(tuple(words for _, words in self.trail), text))
        self.shown = len(self.found)
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
