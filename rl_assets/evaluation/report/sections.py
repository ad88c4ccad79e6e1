"""A page as a list of sections: titles over paragraphs, lists, tables, figures and examples, as plain values.

Every report builds such a list, and the Markdown and the HTML renderer show the same list; they escape every text.
The title of the first section is the title of the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rl_assets.metrics.statistics import Interval

# A cell is text, or an estimate, or nothing to show.
Cell = str | Interval | None
NONE = "–"


@dataclass(frozen=True)
class Paragraph:
    """Sentences; a `lead` is larger, a `note` smaller, and an `alert` is marked."""

    kind: ClassVar[str] = "paragraph"
    text: str
    style: Literal["plain", "lead", "note", "alert"] = "plain"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    kind: ClassVar[str] = "bullets"
    items: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Header and rows; the columns of a `wide` table hold text rather than numbers."""

    kind: ClassVar[str] = "table"
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    wide: bool = False


@dataclass(frozen=True)
class Figure:
    """An SVG of our own, in which every label is escaped; `inline` is its small version as a Markdown image."""

    kind: ClassVar[str] = "figure"
    svg: str
    caption: str = ""
    inline: str = ""


@dataclass(frozen=True)
class Example:
    """Quoted texts with their names, to unfold under a title."""

    title: str
    texts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Examples:
    """Several examples, of which the first is unfolded."""

    kind: ClassVar[str] = "examples"
    items: Sequence[Example]


@dataclass(frozen=True)
class Definitions:
    """Terms with their meanings."""

    kind: ClassVar[str] = "definitions"
    entries: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class VerdictBox:
    """A decision: the verdict, the model it was made against, its reasons, and its guardrails."""

    kind: ClassVar[str] = "verdict"
    verdict: str
    against: str
    reasons: Sequence[str]
    guardrails: Sequence[str]


Block = Paragraph | Bullets | Table | Figure | Examples | Definitions | VerdictBox


@dataclass(frozen=True)
class Section:
    """A title and what is under it."""

    title: str
    blocks: Sequence[Block]


def section(title: str, *blocks: Block | None) -> Section:
    """The section of the blocks that there are: without figures that had nothing to draw, and tables without rows."""
    return Section(title, [block for block in blocks if block and not (isinstance(block, Table) and not block.rows)])


def figure(svg: str | None, caption: str = "", inline: str = "") -> Figure | None:
    """The figure, if there was something to draw."""
    return Figure(svg, caption, inline) if svg else None


def cell_text(cell: Cell) -> str:
    """ "0.910 [0.850, 0.960]" for an estimate, and a dash for nothing."""
    if cell is None:
        return NONE
    return cell if isinstance(cell, str) else f"{cell:.3f}"


def signed(difference: Interval | None) -> str | None:
    """A difference with its sign, as in "+0.350 [+0.250, +0.450]"."""
    return None if difference is None else f"{difference:+.3f}"


def p_value(p: float | None) -> str | None:
    """ "0.012", or "< 0.001"."""
    return None if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def number(value: float | None, spec: str = ",.1f") -> str | None:
    """A number with thousands separated."""
    return None if value is None else format(value, spec)
