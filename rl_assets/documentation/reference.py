"""An image as a page shows it, and a section that shows none."""

from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Section:
    """The prose below one heading, of a section that shows no image."""

    headings: tuple[str, ...]
    text: str
