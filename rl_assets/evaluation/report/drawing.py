"""How pictures are drawn: figures without global state, as SVG text that follows the page's theme.

The same report gives the same bytes. Colours are CSS variables with a fallback, so that a page can follow the
reader's light or dark theme while a picture on its own still shows.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rl_assets.evaluation.report.escaping import printable
from rl_assets.metrics.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 5.4
ROW_INCHES = 0.34
LABEL_CHARACTERS = 26
INK, MUTED, ACCENT, WORSE, OTHER = "#1c2733", "#7a8794", "#2f6fb3", "#b4532a", "#8a6fb0"
VARIABLES = {INK: "--ink", MUTED: "--muted", ACCENT: "--accent", WORSE: "--worse", OTHER: "--other"}
STYLE: Any = {
    "svg.hashsalt": "rl-assets",
    "svg.fonttype": "none",
    # Labels are names from logs: a dollar sign in one is no formula.
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


@contextmanager
def drawing(height: float) -> Iterator["Figure"]:
    """A figure without pyplot, whose global state would leak from one report into the next."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        yield Figure(figsize=(WIDTH_INCHES, height), layout="constrained")


def svg(figure: "Figure", title: str) -> str:
    """SVG without XML header, date or fixed size, with colours as CSS variables and a spoken name."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable}, {colour})")
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)


def short(label: str) -> str:
    """A name from a log, on one line, printable and short enough for an axis."""
    flat = " ".join(printable(label).split())
    return flat if len(flat) <= LABEL_CHARACTERS else f"{flat[: LABEL_CHARACTERS - 1]}…"


def significance(low: float | None, high: float | None) -> str:
    """The colour of a difference: told apart from 0 to the better or the worse, or not."""
    if low is not None and low > 0:
        return ACCENT
    return WORSE if high is not None and high < 0 else MUTED


def whisker(axes: "Axes", found: Interval, y: float, colour: str) -> None:
    """The interval as a line."""
    if found.low is not None and found.high is not None:
        axes.plot([found.low, found.high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")


def name_rows(axes: "Axes", labels: Sequence[str]) -> None:
    """A name at each row, the first on top."""
    axes.set_yticks(range(len(labels)), [short(label) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def forest_plot(groups: Sequence[tuple[str, Sequence[tuple[str, Interval]]]], title: str) -> str | None:
    """Differences with 95 % intervals under bold headings, right of the line is better; None without any."""
    if not any(rows for _, rows in groups):
        return None
    labels: list[tuple[str, bool]] = []
    with drawing(0.7 + ROW_INCHES * 0.85 * sum(1 + len(rows) for _, rows in groups)) as figure:
        axes = figure.add_subplot()
        for heading, rows in groups:
            labels.append((heading, True))
            for name, found in rows:
                colour = significance(found.low, found.high)
                whisker(axes, found, len(labels), colour)
                axes.plot([found.mean], [len(labels)], "o", color=colour, markersize=5)
                labels.append((name, False))
        name_rows(axes, [label for label, _ in labels])
        for tick, (_, bold) in zip(axes.get_yticklabels(), labels, strict=True):
            tick.set_fontweight("bold" if bold else "normal")
        axes.axvline(0, color=MUTED, linewidth=0.9)
        axes.set_xlabel("Paired difference, 95 % interval")
        return svg(figure, title)
