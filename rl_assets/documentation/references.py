"""Every image that a page shows, in document order, with the text around it. Nothing is opened or fetched here."""

import re
from dataclasses import dataclass, field
from typing import Any

from rl_assets.documentation.image_markup import IMAGE_FILE
from rl_assets.documentation.image_tags import first_of_srcset, image_sources
from rl_assets.documentation.inline_images import FORM
from rl_assets.documentation.markdown import LINE, walk
from rl_assets.documentation.shown_text import shown_text

CONTEXT_PARAGRAPHS = 2  # On each side of an image.
CONTEXT_CHARACTERS = 1000
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
BLOCKS = {
    *HEADINGS,
    *("p", "li", "ul", "ol", "dl", "dt", "dd", "td", "th", "tr", "table", "blockquote", "div", "section", "article"),
    *("figure", "figcaption", "details", "summary", "center", "hr", "br", "body", "aside", "main", "header", "footer"),
}
IGNORED = {"pre", "script", "style", "head", "template", "textarea"}
# Titles of boxes: read with the text around an image, but never its nearest paragraph.
LABELS = ("summary", "x-title")
# Elements whose text is one, images and line breaks in it notwithstanding.
HOLDERS = (*HEADINGS, *LABELS, "figcaption", "x-caption")
ALT_SIZE = re.compile(r"\|\d{1,5}(?:x\d{1,5})?$")  # Obsidian: ![A name|300](x.png)
NO_WORD = re.compile(r"[!-/:-@\[-`{-~\s]*")  # What is left of code around an element, such as ";" and ")}".
OUTPUT = re.compile(r"\{\{[^{}]{0,500}\}\}")  # A template's value; with words around it, it is part of the text.
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
    label: str = ""

    @property
    def text_before(self) -> str:
        return self.before[-1] if self.before else ""

    @property
    def text_after(self) -> str:
        return self.after[0] if self.after else ""

    @property
    def context(self) -> str:
        """Up to two paragraphs on each side, from the same section, and the title of the box that the image is in."""
        around = [*self.before[-CONTEXT_PARAGRAPHS:], self.label, *self.after[:CONTEXT_PARAGRAPHS]]
        return " ".join(filter(None, around))[:CONTEXT_CHARACTERS]


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
        # Of the section: its paragraphs and labels; and the labels since the last paragraph.
        self.section_texts: list[str] = []
        self.labels: list[str] = []
        self.text: list[str] = []
        self.holders: list[str] = []
        self.headings: list[tuple[int, str]] = []
        # For each open element the nearest caption attribute, its own or that of an element around it.
        self.captions: list[str] = []
        self.ignored = 0
        self.links: list[str] = []
        # Sources of the open <picture>, with their lines; its <img> names them.
        self.variants: list[tuple[int, str]] = []
        # For each open figure its references without a caption, inner figures included.
        self.figures: list[list[Reference]] = []
        # Open elements by id, in order.
        self.open: dict[int, None] = {}
        self.parents: list[int] = []

    def enter(self, node: Any) -> None:
        tag = node.tag or "-other"
        if tag == "-text":
            if not self.ignored:
                self.text.append(shown_text(node))
            return
        if tag in HOLDERS:
            self.start_holder(tag)
        elif tag in BLOCKS:
            self.end_block(tag)
        self.ignored += tag in IGNORED
        if tag == "a":
            self.links.append(node.attributes.get("href") or "")
        if tag == "figure":
            self.figures.append([])
        if not tag.startswith(("-", "#")):
            if tag != "p":
                self.open[node.mem_id] = None
                self.parents.append(node.mem_id)
            around = self.captions[-1] if self.captions else ""
            self.captions.append(_one_line(node.attributes.get("caption")) or around)
            self.image(tag, node.attributes)

    def leave(self, node: Any) -> None:
        tag = node.tag or "-other"
        if tag.startswith(("-", "#")):
            return
        self.captions.pop()
        if tag != "p":
            self.open.popitem()
            self.parents.pop()
        self.ignored -= tag in IGNORED
        if tag == "a":
            self.links.pop()
        if tag in self.holders[-1:]:
            self.end_holder()
        elif tag in BLOCKS:
            self.end_text()
        if tag == "figure":
            self.end_figure()
        if tag == "picture":
            self.variants = []

    def image(self, tag: str, attributes: dict[str, str | None]) -> None:
        """An element's images: its own, those of the picture around it, and the one that a thumbnail links to."""
        line = int(attributes.get(LINE) or 1)
        if tag == "source" and self.components and (src := first_of_srcset(attributes)):
            self.variants.append((line, src))
        if tag != "img" and LINE not in attributes:
            return
        sources = [(line, src) for src in image_sources(tag, attributes, self.components)]
        if tag == "img" and self.components:
            sources += [*self.variants, *((line, href) for href in self.links[-1:] if IMAGE_FILE.fullmatch(href))]
        named = {src.removeprefix("./"): (line, src) for line, src in reversed(sources) if src or len(sources) == 1}
        if named:
            self.end_text()
        for line, src in reversed(named.values()):
            self.add_reference(tag, line, src, attributes)

    def add_reference(self, tag: str, line: int, src: str, attributes: dict[str, str | None]) -> None:
        reference = Reference(
            line=line,
            tag=attributes.get(FORM) or tag,
            src=src,
            alt=ALT_SIZE.sub("", _one_line(attributes.get("alt"))),
            title=_one_line(attributes.get("title")),
            caption=self.captions[-1],
            linked=bool(self.links),
            headings=self.heading_texts(),
            container=self.parents[-2] if len(self.parents) > CARD_DEPTH else 0,
            before=self.paragraphs[-CONTEXT_PARAGRAPHS:],
            label=" ".join(self.labels),
        )
        self.references.append(reference)
        self.incomplete.append(reference)
        if self.figures and not reference.caption:
            self.figures[-1].append(reference)

    def start_holder(self, tag: str) -> None:
        self.end_section() if tag in HEADINGS else self.end_paragraph()
        self.holders.append(tag)

    def end_holder(self) -> None:
        tag = self.holders.pop()
        if tag in HEADINGS:
            self.end_heading(int(tag[1]))
        elif tag in LABELS:
            self.end_label()
        elif tag == "figcaption":
            self.end_figcaption()
        else:
            self.end_caption()

    def end_block(self, tag: str) -> None:
        """A block starts; a heading with text that was never closed ends there."""
        if tag != "br" and self.holders and self.holders[-1] in HEADINGS and "".join(self.text).strip():
            self.end_holder()
        self.end_text()

    def end_text(self) -> None:
        """The end of a paragraph, unless its text is part of a heading, title or caption."""
        if self.holders:
            self.text.append(" ")
        else:
            self.end_paragraph()

    def end_paragraph(self) -> None:
        self.add_paragraph(self.pop_text())

    def add_paragraph(self, text: str) -> None:
        if not NO_WORD.fullmatch(OUTPUT.sub("", text)):
            self.paragraphs.append(text)
            self.section_texts.append(text)
            self.labels = []
            for reference in self.incomplete:
                reference.after.append(text)
            self.incomplete = [one for one in self.incomplete if len(one.after) < CONTEXT_PARAGRAPHS]

    def end_heading(self, level: int) -> None:
        text = self.pop_text()
        self.headings = [(above, heading) for above, heading in self.headings if above < level]
        self.headings += [(level, text)] if text else []
        for reference in self.incomplete:
            reference.headings = self.heading_texts()

    def end_label(self) -> None:
        text = self.pop_text()
        self.labels += [text] if text else []
        self.section_texts += [text] if text else []

    def end_caption(self) -> None:
        """A caption block is that of the image before it."""
        text = self.pop_text()
        for reference in self.references[-1:]:
            reference.caption = reference.caption or text

    def end_figcaption(self) -> None:
        """The caption of the figure's images so far; without any it is a paragraph."""
        text = self.pop_text()
        if not text or not self.figures or not self.figures[-1]:
            self.add_paragraph(text)
            return
        for reference in self.figures[-1]:
            reference.caption = text
        self.figures[-1] = []

    def end_figure(self) -> None:
        """References without a caption wait for that of the figure around; the longer list takes up the shorter."""
        inner = self.figures.pop()
        if self.figures:
            short, long = sorted((inner, self.figures[-1]), key=len)
            long += short
            self.figures[-1] = long

    def end_section(self) -> None:
        """Start a section; an image that opens a card belongs to the heading that follows it in the card."""
        self.end_paragraph()
        if self.section_texts and len(self.references) == self.references_before_section:
            self.sections.append(Section(self.heading_texts(), " ".join(self.section_texts)[:CONTEXT_CHARACTERS]))
        self.references_before_section = len(self.references)
        self.incomplete = [one for one in self.incomplete if one.container in self.open and not one.after]
        for reference in self.incomplete:
            reference.before = []
        self.paragraphs, self.section_texts, self.labels = [], [], []

    def heading_texts(self) -> tuple[str, ...]:
        return tuple(text for _, text in self.headings)

    def pop_text(self) -> str:
        text = _one_line("".join(self.text))
        self.text = []
        return text


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
